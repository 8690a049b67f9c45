// The npm package graphql-sse: `node tests/clients/events.mjs URL distinct|single|eager`

import { require, same } from "./check.mjs";

const { createClient } = require("graphql-sse");

const [url, mode] = process.argv.slice(2);
const events = [];
const singleConnection = mode !== "distinct";
const client = createClient({
  url,
  singleConnection,
  lazy: mode !== "eager",
  retryAttempts: 0,
  onNonLazyError: (error) => same("no error of the stream", `${error}`, null),
  on: { message: ({ event }) => events.push(event) },
});

const run = (payload) =>
  new Promise((done) => {
    const seen = [];
    client.subscribe(payload, {
      next: (value) => seen.push(value),
      error: (error) => done({ seen, error }),
      complete: () => done({ seen }),
    });
  });

const query = "query Page($first: Int) { customers(first: $first) { nodes { displayName } } }";
const pages = await Promise.all([1, 2, 3].map((first) => run({ query, variables: { first } })));
same("no error", pages.map(({ error }) => error), [undefined, undefined, undefined]);
same("one answer each", pages.map(({ seen }) => seen.length), [1, 1, 1]);
same("each its own", pages.map(({ seen }) => seen[0].data.customers.nodes.length), [1, 2, 3]);
same("events", events.toSorted(), [...Array(3).fill("complete"), ...Array(3).fill("next")]);

for (const text of ["{ nothing }", "subscription { anything }"]) {
  const { seen, error } = await run({ query: text });
  if (singleConnection) {
    same("refused before it is streamed", [seen.length, error?.response?.status], [0, 400]);
  } else {
    same("an answer with request errors", [seen.length, error], [1, undefined]);
    same("and no data", [seen[0].errors[0].extensions.code, "data" in seen[0]], ["GRAPHQL_VALIDATION_FAILED", false]);
  }
}

const deferred = "{ customers(first: 1) { nodes { displayName ... @defer { tickets(first: 1) { nodes { subject } } } } } }";
const { seen: parts } = await run({ query: deferred });
same("in parts", parts.map(({ hasNext }) => hasNext), [true, false]);

const iterated = [];
for await (const { data } of client.iterate({ query, variables: { first: 4 } })) iterated.push(data);
same("iterated", iterated.map(({ customers }) => customers.nodes.length), [4]);
client.dispose();
