/** What relay-compiler makes of each operation. */
declare module '*.graphql.js' {
  import type { ConcreteRequest } from 'relay-runtime';

  const node: ConcreteRequest;
  export default node;
}
