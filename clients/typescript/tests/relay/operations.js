// The operations of tests/relay.test.ts. After a change: see README.md, "Relay artifacts".

import { graphql } from 'relay-runtime';

graphql`
  query operationsOrdersQuery($first: Int!, $after: String) {
    orders(first: $first, after: $after, filter: { status: { eq: INITIALIZED } }) @connection(key: "operations_orders") {
      edges {
        node {
          clientOrderId
          status
        }
      }
    }
  }
`;

graphql`
  query operationsBudgetsQuery {
    feedCursor
    budgets {
      id
      currency
      allocated
    }
  }
`;

graphql`
  mutation operationsSetBudgetMutation($strategy: StrategyRef!, $currency: String!, $allocated: Decimal!) {
    setBudget(strategy: $strategy, currency: $currency, allocated: $allocated) {
      __typename
      ... on BudgetSet {
        budget {
          id
          allocated
        }
      }
    }
  }
`;

graphql`
  subscription operationsBudgetsSubscription($after: String) {
    budgets(after: $after) {
      cursor
      budget {
        id
        currency
        allocated
      }
    }
  }
`;
