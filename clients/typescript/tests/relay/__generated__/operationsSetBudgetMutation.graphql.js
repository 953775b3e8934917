/**
 * @generated SignedSource<<c58ba314d9a99c61c897b81243112d1c>>
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

var node = (function(){
var v0 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "allocated"
},
v1 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "currency"
},
v2 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "strategy"
},
v3 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "allocated",
        "variableName": "allocated"
      },
      {
        "kind": "Variable",
        "name": "currency",
        "variableName": "currency"
      },
      {
        "kind": "Variable",
        "name": "strategy",
        "variableName": "strategy"
      }
    ],
    "concreteType": null,
    "kind": "LinkedField",
    "name": "setBudget",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "__typename",
        "storageKey": null
      },
      {
        "kind": "InlineFragment",
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": "Budget",
            "kind": "LinkedField",
            "name": "budget",
            "plural": false,
            "selections": [
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "id",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "allocated",
                "storageKey": null
              }
            ],
            "storageKey": null
          }
        ],
        "type": "BudgetSet",
        "abstractKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": [
      (v0/*:: as any*/),
      (v1/*:: as any*/),
      (v2/*:: as any*/)
    ],
    "kind": "Fragment",
    "metadata": null,
    "name": "operationsSetBudgetMutation",
    "selections": (v3/*:: as any*/),
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [
      (v2/*:: as any*/),
      (v1/*:: as any*/),
      (v0/*:: as any*/)
    ],
    "kind": "Operation",
    "name": "operationsSetBudgetMutation",
    "selections": (v3/*:: as any*/)
  },
  "params": {
    "cacheID": "f6c9df88c21806422f14c75f464b497b",
    "id": null,
    "metadata": {},
    "name": "operationsSetBudgetMutation",
    "operationKind": "mutation",
    "text": "mutation operationsSetBudgetMutation(\n  $strategy: StrategyRef!\n  $currency: String!\n  $allocated: Decimal!\n) {\n  setBudget(strategy: $strategy, currency: $currency, allocated: $allocated) {\n    __typename\n    ... on BudgetSet {\n      budget {\n        id\n        allocated\n      }\n    }\n  }\n}\n"
  }
};
})();

node.hash = "32c5df43b4ad628f90c4a3a42c486d40";

export default node;
