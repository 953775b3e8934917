// Each file of web/examples is a tab, in the order of the names; `x.json` has the variables of `x.graphql`.
// Vite wants the options of a glob spelled out.
const queries = import.meta.glob<string>("../examples/*.graphql", { query: "?raw", import: "default", eager: true });
const variables = import.meta.glob<string>("../examples/*.json", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path],
    variables: variables[path.replace(/graphql$/, "json")],
  }));
