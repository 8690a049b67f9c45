// The npm package graphql-ws: `node tests/clients/socket.mjs URL`

import { require, same } from "./check.mjs";

const { createClient } = require("graphql-ws");
const WebSocket = require("ws");

const client = createClient({ url: process.argv[2], webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 });

const run = (payload) =>
  new Promise((done) => {
    const seen = [];
    client.subscribe(payload, {
      next: (value) => seen.push(value),
      error: (errors) => done({ seen, errors }),
      complete: () => done({ seen }),
    });
  });

const query = "query Page($first: Int) { customers(first: $first) { nodes { displayName } } }";
const pages = await Promise.all([1, 2, 3].map((first) => run({ query, variables: { first } })));
same("one answer each", pages.map(({ seen }) => seen.length), [1, 1, 1]);
same("each its own", pages.map(({ seen }) => seen[0].data.customers.nodes.length), [1, 2, 3]);
const deferred = "{ customers(first: 1) { nodes { displayName ... @defer { tickets(first: 1) { nodes { subject } } } } } }";
const { seen: parts } = await run({ query: deferred });
same("in parts", parts.map(({ hasNext }) => hasNext), [true, false]);
same("announced", parts[0].pending, [{ id: "0", path: ["customers", "nodes", 0] }]);
same("completed", parts[1].completed, [{ id: "0" }]);
const { seen: paths } = await run({ query: deferred, extensions: { deferSpec: "20220824" } });
same("by path", paths[1].incremental[0].path, ["customers", "nodes", 0]);
const { seen, errors } = await run({ query: "{ nothing }" });
same("no answer", seen, []);
same("request errors", errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
await client.dispose();
