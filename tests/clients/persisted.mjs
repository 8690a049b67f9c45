// Apollo Client with its link for persisted queries: `node tests/clients/persisted.mjs URL automatic|trusted|off`

import { createHash } from "node:crypto";
import { require, same } from "./check.mjs";

const { ApolloClient, HttpLink, InMemoryCache, gql } = require("@apollo/client/core");
const { PersistedQueryLink } = require("@apollo/client/link/persisted-queries");

const [url, mode] = process.argv.slice(2);
const query = gql`query Page { customers(first: 2) { nodes { displayName } } }`;
const sent = [];

function client(options) {
  const counting = (address, request) => {
    const body = request.body ? JSON.parse(request.body) : {};
    const inUrl = new URL(address).searchParams;
    sent.push(`${request.method} ${body.query ?? inUrl.get("query") ? "text" : "id"}`);
    return fetch(address, request);
  };
  const link = new PersistedQueryLink(options).concat(new HttpLink({ uri: url, fetch: counting }));
  return new ApolloClient({ link, cache: new InMemoryCache(), devtools: { enabled: false } });
}

const ask = async (apollo) => {
  const { data } = await apollo.query({ query, fetchPolicy: "network-only" });
  same("names", data.customers.nodes.length, 2);
};

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

if (mode === "automatic") {
  const apollo = client({ sha256 });
  await ask(apollo);
  await ask(apollo);
  same("the text is sent once", sent, ["POST id", "POST text", "POST id"]);
  sent.length = 0;
  await ask(client({ sha256, useGETForHashedQueries: true }));
  same("the hash is enough for another client, by GET too", sent, ["GET id"]);
} else if (mode === "off") {
  const apollo = client({ sha256 });
  await ask(apollo);
  await ask(apollo);
  same("hashes are given up", sent, ["POST id", "POST text", "POST text"]);
} else {
  await ask(client({ generateHash: () => "page-of-two" }));
  same("the id is enough", sent, ["POST id"]);
}
