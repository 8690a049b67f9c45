// The reference implementation over the same data: reads lines of JSON, answers each with a line of JSON.
//
//   npm install --prefix target/npm --no-save graphql
//   node tests/oracle/reference.mjs
//
// { "schema": "name", "sdl": "…" }                   makes a schema known                   → {}
// { "world": 3, "data": { … } }                      makes data known                       → {}
// { "introspect": "…" }                              the full introspection of a schema     → { query, data }
// { "table": [ … ], "sdl": "…" }                     the lines of coercion.txt              → what each value is accepted as
// { "schema", "query", "runs": [{ variables, world }] } validates, then executes each       → { refused } or { answers }
//
// Scalars are serialized as the project defines them, exactly, not with the coercions that `graphql` has for the results of
// resolvers. NPM_FOLDER names another folder than target/npm.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));
const graphql = require("graphql");
const {
  GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, GraphQLError, Kind, buildSchema, execute,
  getNamedType, isCompositeType, isListType, isNonNullType, isObjectType,
  parse, validate, valueFromASTUntyped,
} = graphql;

const ROLE = "one";
const worlds = new Map();
const schemas = new Map();

// ---- scalars ---------------------------------------------------------------------------------------------------------

const misfit = (what) => {
  throw new GraphQLError(`not ${what}`);
};
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isDecimal = (text) => /^-?[0-9]+(\.[0-9]+)?$/.test(text);
const isDate = (text) => {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!found) return false;
  const [year, month, day] = found.slice(1).map(Number);
  const days = [31, (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
};

/** What `graphql` itself makes of the results of resolvers, for the table of coercions. */
const original = Object.fromEntries(
  [GraphQLInt, GraphQLFloat, GraphQLString, GraphQLBoolean].map((type) => [type.name, type.serialize]),
);

GraphQLInt.serialize = (value) =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : misfit("an Int");
GraphQLFloat.serialize = (value) => (typeof value === "number" ? value : misfit("a Float"));
GraphQLString.serialize = (value) => (typeof value === "string" ? value : misfit("a String"));
GraphQLBoolean.serialize = (value) => (typeof value === "boolean" ? value : misfit("a Boolean"));
GraphQLID.serialize = (value) => (typeof value === "string" ? value : misfit("an ID"));

/** A scalar of words of one form, of which the data has no others than these. */
const words = (form, what) => {
  const fitting = (value) => (typeof value === "string" && form.test(value) ? value : misfit(what));
  return { serialize: fitting, parseValue: fitting, parseLiteral: (node) => fitting(node.kind === Kind.STRING ? node.value : null) };
};
const instant = words(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/, "an instant");
const currency = words(/^[A-Z]{3}$/, "a currency");

const scalars = {
  JSON: { serialize: (value) => value, parseValue: (value) => value, parseLiteral: valueFromASTUntyped },
  Decimal: {
    serialize: (value) => (typeof value === "number" || (typeof value === "string" && isDecimal(value)) ? `${value}` : misfit("a Decimal")),
    parseValue: (value) =>
      (typeof value === "string" || typeof value === "number") && isDecimal(`${value}`) ? `${value}` : misfit("a Decimal"),
    parseLiteral: (node) =>
      [Kind.STRING, Kind.INT, Kind.FLOAT].includes(node.kind) && isDecimal(node.value) ? node.value : misfit("a Decimal"),
  },
  DateTime: instant,
  CurrencyCode: currency,
  Date: {
    serialize: (value) => (typeof value === "string" && isDate(value) ? value : misfit("a Date")),
    parseValue: (value) => (typeof value === "string" && isDate(value) ? value : misfit("a Date")),
    parseLiteral: (node) => (node.kind === Kind.STRING && isDate(node.value) ? node.value : misfit("a Date")),
  },
};

// ---- values ----------------------------------------------------------------------------------------------------------

class Misfit {}

const opaque = (type, key) => Buffer.from(`${type}:${ROLE}:${key}`).toString("base64url");

/** A value of a record as the type has it; what does not fit becomes something that completion refuses. */
function prepared(type, value, parent) {
  if (value === null || value === undefined) return null;
  if (isNonNullType(type)) return prepared(type.ofType, value, parent);
  if (isListType(type)) {
    return Array.isArray(value) ? value.map((item) => prepared(type.ofType, item, parent)) : new Misfit();
  }
  if (type === GraphQLID) {
    if (typeof value === "string" ? value.trim() === "" : false) return null;
    const isKey = typeof value === "string" || Number.isInteger(value);
    return isKey ? opaque(parent.name, typeof value === "string" ? value.trim() : value) : new Misfit();
  }
  return isCompositeType(type) && !isObject(value) ? new Misfit() : value;
}

function record(world, key) {
  if (typeof key !== "string" || key.trim() === "") return null;
  const found = worlds.get(world).records[key];
  if (found === undefined || found === null) return null;
  if (found.$fail) throw new Error("the backend failed");
  return found;
}

/** The records of an answer: nulls are left out, a list among them is none of its kind. */
const records = (found) => found.filter((one) => one !== null);

function list(world, key) {
  if (typeof key !== "string" || key.trim() === "") return null;
  const found = worlds.get(world).lists[key];
  if (found === undefined || found?.$fail) throw new Error("the backend failed");
  return records(found);
}

/** The members of an argument map in this order, without nulls: a body leaves them out. */
function body(args, names) {
  return Object.fromEntries(names.filter((name) => args[name] !== null && args[name] !== undefined).map((name) => [name, args[name]]));
}

function echo(world, args, names) {
  if (worlds.get(world).fails.includes("echo")) throw new Error("the backend failed");
  return body(args, names);
}

const calls = {
  "Query.thing": (_, { key }, world) => record(world, key),
  "Query.things": (_, { key }, world) => list(world, key),
  "Query.echo": (_, args, world, info) => echo(world, args, argumentNames(info)),
  "Thing.called": (source, _, world) => record(world, source.ref),
  "Thing.calledList": (source, _, world) => list(world, source.ref),
  "Thing.measured": (source, args, world, info) => {
    if (typeof source.ref !== "string" || source.ref.trim() === "") return null;
    if (worlds.get(world).fails.includes("measure")) throw new Error("the backend failed");
    return { key: source.ref, ...body(args, argumentNames(info)) };
  },
};
for (const name of ["strict", "node", "named", "any", "one"]) calls[`Query.${name}`] = calls["Query.thing"];
for (const name of ["nodes", "anys"]) calls[`Query.${name}`] = calls["Query.things"];
for (const name of ["calledMust", "calledNode"]) calls[`Thing.${name}`] = calls["Thing.called"];
for (const name of ["touch", "touchMust"]) {
  calls[`Mutation.${name}`] = (_, { key }, world) => {
    // a write without its key is not sent, and is never taken for "nothing found"
    if (key.trim() === "") throw new Error("the request cannot be built");
    return record(world, key);
  };
}
for (const name of ["Query.required", "Mutation.set"]) calls[name] = calls["Query.echo"];

/** The arguments that the vendor file sends. */
const argumentNames = (info) =>
  info.parentType.getFields()[info.fieldName].args.map(({ name }) => name).filter((name) => name !== "id" && name !== "ids");

function tortured(source, args, world, info) {
  const call = calls[`${info.parentType.name}.${info.fieldName}`];
  return call ? call(source, args, world, info) : source[info.fieldName];
}

/** The shipped schema over canned data: what has arguments or pages is a call by the key in `ref`. */
const shipped = {
  record: (world, type, key) => {
    const found = worlds.get(world).records[type]?.[key];
    if (found === undefined || found === null) return null;
    if (found.$fail) throw new Error("the backend failed");
    return found;
  },
  list: (world, type, key) => {
    if (typeof key !== "string") return null;
    const found = worlds.get(world).lists[type]?.[key];
    if (found === undefined || found.$fail) throw new Error("the backend failed");
    return records(found);
  },
  key: (type, id) => {
    const [of, role, key] = Buffer.from(id, "base64url").toString().split(":");
    return of === type && role === ROLE ? key : misfit(`the id of a ${type}`);
  },
  page: (list, first) => {
    if (list === null) return null;
    const nodes = list.slice(0, first ?? 20);
    return {
      nodes, edges: nodes.map((node) => ({ node })), totalCount: list.length,
      pageInfo: { hasNextPage: nodes.length < list.length, hasPreviousPage: false },
    };
  },
  value: (source, args, world, { parentType, fieldName, returnType }) => {
    const field = parentType.getFields()[fieldName];
    if (field.astNode.directives.some((one) => one.name.value === "requiresScopes")) throw new Error("not for everyone");
    const returned = getNamedType(returnType).name;
    const element = returned.endsWith("Connection") ? returned.slice(0, -"Connection".length) : undefined;
    if (parentType.name === "Query") {
      if (element) return shipped.page(shipped.list(world, element, "k0"), args.first);
      const [argument] = field.args;
      const given = args[argument.name];
      return shipped.record(world, returned, argument.type.ofType === GraphQLID ? shipped.key(returned, given) : given);
    }
    if (element) return shipped.page(shipped.list(world, element, source.ref), args.first);
    return source[fieldName];
  },
};

function fieldResolver(source, args, world, info) {
  const value = info.schema === schemas.get("torture") ? tortured(source, args, world, info) : shipped.value(source, args, world, info);
  return prepared(info.returnType, value, info.parentType);
}

function typeResolver(value, _, info, type) {
  const member = info.schema === schemas.get("torture") ? "kind" : "kindOfRecord";
  const name = value instanceof Misfit ? undefined : value[member];
  return info.schema.getPossibleTypes(type).some((possible) => possible.name === name) ? name : misfit("a known kind");
}

function addSchema(sdl) {
  const schema = buildSchema(sdl);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && !type.name.startsWith("__")) type.isTypeOf = (value) => value === undefined || isObject(value) && !(value instanceof Misfit);
    if (scalars[type.name]) Object.assign(type, scalars[type.name]);
  }
  return schema;
}

// ---- answers ---------------------------------------------------------------------------------------------------------

/** Each line of the table: its value as JSON, "refused" or "absent". */
function tabled(rows, sdl) {
  const schema = addSchema(sdl);
  return rows.map(({ query, variables, result, value }) => {
    try {
      if (result !== null) {
        if (value === null) return "null";
        const type = schema.getType(result);
        return JSON.stringify((original[result] ?? type.serialize.bind(type))(value));
      }
      const document = parse(query);
      if (validate(schema, document).length > 0) return "refused";
      let told = "refused";
      const fieldResolver = (_, args) => {
        told = "x" in args ? JSON.stringify(args.x) : "absent";
        return null;
      };
      execute({ schema, document, variableValues: variables, fieldResolver });
      return told;
    } catch {
      return "refused";
    }
  });
}

/** The full introspection of a schema, as the newest version of `graphql` has it: it alone writes defaults as they are written. */
function introspected(sdl) {
  const newest = require("graphql17");
  const options = {
    descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true,
  };
  const query = newest.getIntrospectionQuery(options);
  const { data } = newest.executeSync({ schema: newest.buildSchema(sdl), document: newest.parse(query) });
  return { query, data };
}

function answer(request) {
  if (request.table !== undefined) return tabled(request.table, request.sdl);
  if (request.introspect !== undefined) return introspected(request.introspect);
  if (request.sdl !== undefined) {
    const schema = addSchema(request.sdl);
    schemas.set(request.schema, schema);
    return {};
  }
  if (request.data !== undefined) {
    worlds.set(request.world, request.data);
    return {};
  }
  const schema = schemas.get(request.schema);
  let document;
  try {
    document = parse(request.query);
  } catch (error) {
    return { refused: [error.message] };
  }
  const errors = validate(schema, document);
  if (errors.length > 0) return { refused: errors.map((error) => error.message) };
  return { answers: request.runs.map((run) => executed(schema, document, run)) };
}

function executed(schema, document, { variables, world }) {
  const result = execute({
    schema, document, variableValues: variables, contextValue: world, rootValue: {}, fieldResolver, typeResolver,
  });
  if (!("data" in result)) return { refused: result.errors.map((error) => error.message) };
  return {
    data: JSON.stringify(result.data),
    paths: (result.errors ?? []).map((error) => error.path ?? null),
    messages: (result.errors ?? []).map((error) => error.message),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
