// Apollo Server with dataloader, written by hand: the same graph over the same backends.
//
// Takes: PEERS_BACKENDS (address), PEERS_PACKAGES (a folder with node_modules), PEERS_CACHE=1 to keep records between requests.
// Gives: the address on standard output; GraphQL at any path.
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.PEERS_PACKAGES, "package.json"));
const { ApolloServer } = require("@apollo/server");
const { startStandaloneServer } = require("@apollo/server/standalone");
const DataLoader = require("dataloader");

const [host, port] = process.env.PEERS_BACKENDS.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

function get(target) {
  return new Promise((resolve, reject) => {
    http
      .get({ host, port, path: target, agent }, (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () => resolve(JSON.parse(Buffer.concat(pieces).toString()).items));
        response.on("error", reject);
      })
      .on("error", reject);
  });
}

// Between requests, where records are kept; a plain map is the cheapest cache there is.
const kept = process.env.PEERS_CACHE ? new Map() : null;

async function customers(query) {
  const found = kept?.get(query);
  if (found) return found;
  const list = await get(`/crm/customers?${query}`);
  kept?.set(query, list);
  return list;
}

/** The records of many keys in one call, grouped. */
function grouped(target, keyOf, toRecord) {
  return new DataLoader(
    async (keys) => {
      const lists = new Map();
      const missing = [];
      for (const key of keys) {
        const found = kept?.get(target + key);
        if (found) lists.set(key, found);
        else {
          lists.set(key, []);
          missing.push(key);
        }
      }
      if (missing.length > 0) {
        for (const record of await get(`${target}?keys=${missing.join(",")}`)) {
          lists.get(keyOf(record)).push(toRecord(record));
        }
        if (kept) for (const key of missing) kept.set(target + key, lists.get(key));
      }
      return keys.map((key) => lists.get(key));
    },
    { maxBatchSize: 1000 },
  );
}

const amount = (minor) => `${Math.trunc(minor / 100)}.${String(minor % 100).padStart(2, "0")}`;
const invoice = (record) => ({
  ...record,
  status: record.status === "open" ? "OPEN" : "PAID",
  total: { amount: amount(record.total), currency: record.currency },
});
const ticket = (record) => ({ ...record, status: record.status.toUpperCase() });

const typeDefs = `
  type Query { customers(page: Int!): [Customer!] customer(number: String!): Customer customerByEmail(email: String!): Customer }
  type Customer { number: String name: String email: String city: String segment: String invoices: [Invoice!] tickets: [Ticket!] }
  type Invoice { number: String status: InvoiceStatus total: Money memo: String }
  enum InvoiceStatus { OPEN PAID UNKNOWN }
  type Money { amount: String! currency: String! }
  type Ticket { subject: String status: TicketStatus priority: Int }
  enum TicketStatus { NEW OPEN CLOSED UNKNOWN }
`;

const resolvers = {
  Query: {
    customers: (_, { page }) => customers(`page=${page}`),
    customer: async (_, { number }) => (await customers(`keys=${number}`))[0],
    customerByEmail: async (_, { email }) => (await customers(`keys=${email}`))[0],
  },
  Customer: {
    number: (customer) => customer.id,
    invoices: (customer, _, context) => context.invoices.load(customer.billing),
    tickets: (customer, _, context) => context.tickets.load(customer.email),
  },
};

const server = new ApolloServer({ typeDefs, resolvers, csrfPrevention: false });
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: 0 },
  context: async () => ({
    invoices: grouped("/billing/invoices", (record) => record.account, invoice),
    tickets: grouped("/support/tickets", (record) => record.email, ticket),
  }),
});
console.log(url.replace("localhost", "127.0.0.1"));
