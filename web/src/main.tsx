import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./main.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import { examples } from "./examples";

// The page's own address also serves GraphQL requests.
const endpoint = new URL(location.pathname, location.href);
const subscriptions = new URL(endpoint);
subscriptions.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: subscriptions.href,
  enableIncrementalDelivery: false,
});

// A link may carry a query: /graphql?query=...&variables=...
const link = new URLSearchParams(location.search);
const query = link.get("query") ?? undefined;
const variables = link.get("variables") ?? undefined;

createRoot(document.getElementById("graphiql")!).render(
  <GraphiQL
    fetcher={fetcher}
    initialQuery={query}
    initialVariables={variables}
    defaultTabs={query ? [{ query, variables }, ...examples] : examples}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <a className="purser-logo" href="./">
        Purser
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
