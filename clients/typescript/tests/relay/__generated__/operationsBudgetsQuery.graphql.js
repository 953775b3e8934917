/**
 * @generated SignedSource<<d7439f442ca16b0670e54511dddb0ef5>>
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

var node = (function(){
var v0 = [
  {
    "alias": null,
    "args": null,
    "kind": "ScalarField",
    "name": "feedCursor",
    "storageKey": null
  },
  {
    "alias": null,
    "args": null,
    "concreteType": "Budget",
    "kind": "LinkedField",
    "name": "budgets",
    "plural": true,
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
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "operationsBudgetsQuery",
    "selections": (v0/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "operationsBudgetsQuery",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "cacheID": "81f3b19610a26b1b7674a301c05f1eb9",
    "id": null,
    "metadata": {},
    "name": "operationsBudgetsQuery",
    "operationKind": "query",
    "text": "query operationsBudgetsQuery {\n  feedCursor\n  budgets {\n    id\n    currency\n    allocated\n  }\n}\n"
  }
};
})();

node.hash = "8d84df987f44b0cc256c4828602d9381";

export default node;
