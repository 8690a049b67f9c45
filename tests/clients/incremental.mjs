// Apollo Client reading an answer in parts: `node tests/clients/incremental.mjs URL 3|4|4-draft EMAIL`

import { require, same } from "./check.mjs";

const [url, version, email] = process.argv.slice(2);

function made() {
  if (version === "3") {
    const { ApolloClient, HttpLink, InMemoryCache, gql } = require("apollo-client-3/core/core.cjs");
    return { gql, client: new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() }) };
  }
  const { ApolloClient, HttpLink, InMemoryCache, gql } = require("@apollo/client/core");
  const { Defer20220824Handler, GraphQL17Alpha9Handler } = require("@apollo/client/incremental");
  const incrementalHandler = version === "4" ? new Defer20220824Handler() : new GraphQL17Alpha9Handler();
  const options = { incrementalHandler, devtools: { enabled: false } };
  return { gql, client: new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache(), ...options }) };
}

const { gql, client } = made();
const query = gql`
  query CustomerInParts($email: String!) {
    customerByEmail(email: $email) {
      id
      displayName
      ... on Customer @defer(label: "support") {
        tickets(first: 2) {
          nodes {
            id
            subject
          }
        }
      }
    }
  }
`;

// what a page would show, each time that it is told of something new, until it has all
const shown = (query, of, isWhole) =>
  new Promise((done, failed) => {
    const seen = [];
    const watched = client.watchQuery({ query, variables: { email }, fetchPolicy: "network-only" });
    watched.subscribe({
      next: ({ data, error, errors }) => {
        if (error ?? errors) failed(error ?? errors[0]);
        const customer = data?.customerByEmail;
        if (!customer?.displayName) return;
        seen.push(of(customer));
        if (isWhole(customer)) done(seen);
      },
      error: failed,
    });
  });

const deferred = await shown(
  query,
  ({ displayName, tickets }) => ({ name: displayName, tickets: tickets?.nodes?.length }),
  ({ tickets }) => tickets,
);
same("the CRM at once", [typeof deferred[0].name, deferred[0].tickets], ["string", undefined]);
same("and support when it comes", typeof deferred.at(-1).tickets, "number");
same("the same customer", deferred.at(-1).name, deferred[0].name);

// Apollo Client 3 knows no streamed lists
if (version !== "3") {
  const list = (directive) => gql`
    query InvoicesInParts($email: String!) {
      customerByEmail(email: $email) {
        id
        displayName
        invoices(first: 3) {
          nodes ${directive} {
            id
            number
          }
        }
      }
    }
  `;
  const whole = await client.query({ query: list(""), variables: { email }, fetchPolicy: "no-cache" });
  const numbers = ({ invoices }) => invoices?.nodes?.map(({ number }) => number) ?? [];
  const all = numbers(whole.data.customerByEmail);
  same("several invoices", all.length > 1, true);
  const streamed = await shown(list("@stream(initialCount: 1)"), numbers, (customer) => numbers(customer).length === all.length);
  same("the first at once", streamed[0], all.slice(0, 1));
  same("and the others behind it", streamed.at(-1), all);
}
client.stop();
process.exit(0);
