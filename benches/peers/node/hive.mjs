// Hive Gateway over a supergraph that GraphQL Mesh composes: the same graph over the same backends, by configuration where that goes.
//
// Takes: PEERS_BACKENDS (address), PEERS_PACKAGES (a folder with node_modules), PEERS_CACHE=1 to keep answers between requests.
// Gives: the address on standard output; GraphQL at /graphql.
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.PEERS_PACKAGES, "package.json"));
const { GraphQLDirective, GraphQLSchema, GraphQLString } = require("graphql");
const { createGatewayRuntime, useCustomFetch } = require("@graphql-hive/gateway");
const { default: InMemoryLRUCache } = require("@graphql-mesh/cache-inmemory-lru");
const { getComposedSchemaFromConfig } = require("@graphql-mesh/compose-cli");
const { useJIT } = require("@graphql-mesh/plugin-jit");
const { MapperKind, mapSchema } = require("@graphql-tools/utils");
const { loadJSONSchemaSubgraph } = require("@omnigraph/json-schema");

// What the systems answer with, as JSON Schema.
const text = { type: "string" };
const wrapped = (title, properties) => ({
  type: "object",
  title: `${title}List`,
  properties: { items: { type: "array", items: { type: "object", title, properties } } },
});
const customers = wrapped("Customer", { id: text, name: text, email: text, billing: text, city: text, segment: text });
const invoices = wrapped("Invoice", {
  account: text,
  number: text,
  status: { type: "string", title: "InvoiceStatus", enum: ["open", "paid"] },
  total: { type: "integer" },
  currency: text,
  memo: text,
});
const tickets = wrapped("Ticket", {
  email: text,
  subject: text,
  status: { type: "string", title: "TicketStatus", enum: ["new", "open", "closed"] },
  priority: { type: "integer" },
});

const get = (field, target, responseSchema, argument, type, written) => ({
  type: "Query",
  field,
  path: target,
  method: "GET",
  responseSchema,
  argTypeMap: { [argument]: type },
  queryParamArgMap: { [argument]: argument },
  queryStringOptionsByParam: { [argument]: written },
});
const ofKeys = (field, target, responseSchema) =>
  get(field, target, responseSchema, "keys", { type: "array", items: text }, { arrayFormat: "comma", encode: false });

// Other names of fields, and words of enums in capitals. Said to the source as Mesh's own directives: its transforms for both go over
// every answer once more in the gateway, and fail where a field is selected that the gateway added.
const resolveRootField = new GraphQLDirective({
  name: "resolveRootField",
  locations: ["FIELD_DEFINITION"],
  args: { subgraph: { type: GraphQLString }, field: { type: GraphQLString } },
});
function named(schema, subgraph, names) {
  const saying = (config, name, args) => {
    const directives = { ...config.extensions?.directives, [name]: [{ subgraph, ...args }] };
    return { ...config, extensions: { ...config.extensions, directives } };
  };
  const mapped = mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (config, field, type) => {
      const name = names[`${type}.${field}`];
      return name && [name, saying(config, "resolveRootField", { field })];
    },
    [MapperKind.ENUM_VALUE]: (config, type, _, word) =>
      type.endsWith("Status") ? [word.toUpperCase(), saying(config, "enum", { value: JSON.stringify(word) })] : undefined,
  });
  return new GraphQLSchema({ ...mapped.toConfig(), directives: [...mapped.getDirectives(), resolveRootField] });
}
const subgraph = (name, operations, names = {}) => ({
  sourceHandler: (context) => {
    const endpoint = `http://${process.env.PEERS_BACKENDS}`;
    const { schema$ } = loadJSONSchemaSubgraph(name, { endpoint, operations })(context);
    return { name, schema$: schema$.then((schema) => named(schema, name, names)) };
  },
});

// The links, in batches: all keys of a level in one call, matched by a field of the records, and lists taken out of their envelopes by
// `result`. Beside it Mesh asks a source only for what the client selected, not for what added fields are made of: keys of links, and
// `total`. Where there are such fields, the selection is written out.
const from = (source, field, rest, fields) =>
  `@resolveTo(sourceName: "${source}", sourceTypeName: "Query", sourceFieldName: "${field}", ${rest}
    ${fields ? `sourceSelectionSet: "{ items { ${fields} } }"` : ""})`;
const customer = "number name email billing city segment";
const oneBy = (argument) => from("crm", "customersOf", `sourceArgs: { keys: "{args.${argument}}" }, result: "items[0]"`, customer);
const listBy = (keyField, valueKeyField) =>
  `keyField: "${keyField}", keysArg: "keys", valueKeyField: "${valueKeyField}", result: "items"`;
const additionalTypeDefs = `
  extend type Query {
    customers(page: Int!): [Customer!] ${from("crm", "customersOfPage", `sourceArgs: { page: "{args.page}" }, result: "items"`, customer)}
    customer(number: String!): Customer ${oneBy("number")}
    customerByEmail(email: String!): Customer ${oneBy("email")}
  }
  extend type Customer {
    invoices: [Invoice!] ${from("billing", "invoicesOf", listBy("billing", "account"), "account number status minor currency memo")}
    tickets: [Ticket!] ${from("support", "ticketsOf", listBy("email", "email"))}
  }
  extend type Invoice { total: Money }
  type Money { amount: String! currency: String! }
`;
const quiet = () => {};
const logger = { log: quiet, debug: quiet, info: quiet, warn: console.error, error: console.error, child: () => logger };
const supergraph = await getComposedSchemaFromConfig(
  {
    subgraphs: [
      subgraph(
        "crm",
        [
          get("customersOfPage", "/crm/customers", customers, "page", { type: "integer" }, {}),
          ofKeys("customersOf", "/crm/customers", customers),
        ],
        { "Customer.id": "number" },
      ),
      subgraph("billing", [ofKeys("invoicesOf", "/billing/invoices", invoices)], { "Invoice.total": "minor" }),
      subgraph("support", [ofKeys("ticketsOf", "/support/tickets", tickets)]),
    ],
    additionalTypeDefs,
  },
  logger,
);

// The gateway's own way to fetch makes streams and abort signals for every call; this is what the server by hand does.
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const fetched = (url) =>
  new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () => {
          const body = Buffer.concat(pieces).toString();
          resolve({ ok: true, status: response.statusCode, headers: new Headers(), text: async () => body });
        });
        response.on("error", reject);
      })
      .on("error", reject);
  });

const amount = (minor) => `${Math.trunc(minor / 100)}.${String(minor % 100).padStart(2, "0")}`;
const total = ({ minor, currency }) => ({ amount: amount(minor), currency });
// Not both: the cache takes the place of the execution that is compiled.
const cached = process.env.PEERS_CACHE;
const gateway = createGatewayRuntime({
  supergraph,
  transports: { rest: require("@graphql-mesh/transport-rest") },
  additionalResolvers: { Invoice: { total: { selectionSet: "{ minor currency }", resolve: total } } },
  plugins: () => [useCustomFetch(fetched), ...(cached ? [] : [useJIT()])],
  // what is the same at the same time is executed once; not beside the cache, which warns of executions that others take from it
  inboundInflightRequestDeduplication: !cached,
  // what is kept is whole answers: the gateway knows nothing smaller
  ...(cached ? { cache: new InMemoryLRUCache(), responseCaching: { session: () => null } } : {}),
  logging: false,
  requestId: false,
  cors: false,
  graphiql: false,
  landingPage: false,
});
const server = http.createServer(gateway);
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
// The gateway takes these signals for itself and goes on listening.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit());
