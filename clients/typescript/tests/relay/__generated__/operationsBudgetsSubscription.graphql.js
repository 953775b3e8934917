/**
 * @generated SignedSource<<2f14b4367662a0fadafdd5294f8e8c86>>
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

var node = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "after"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "after",
        "variableName": "after"
      }
    ],
    "concreteType": "BudgetChange",
    "kind": "LinkedField",
    "name": "budgets",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "cursor",
        "storageKey": null
      },
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
            "name": "currency",
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
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "operationsBudgetsSubscription",
    "selections": (v1/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "operationsBudgetsSubscription",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "a7cd802ca415e6ec3517088faadf67b7",
    "id": null,
    "metadata": {},
    "name": "operationsBudgetsSubscription",
    "operationKind": "subscription",
    "text": "subscription operationsBudgetsSubscription(\n  $after: String\n) {\n  budgets(after: $after) {\n    cursor\n    budget {\n      id\n      currency\n      allocated\n    }\n  }\n}\n"
  }
};
})();

node.hash = "3311fa2a9f05aee238a68c4f2f713922";

export default node;
