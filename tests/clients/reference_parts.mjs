// The reference implementation's incremental executor, over the data that the gateway answered whole. Which of two deferred fragments is
// done first is nobody's to say, and decides which of them brings what both select, and whether one inside of the other is announced
// at all. So the reference is made to finish its pieces in the order in which ours came; then it must announce, bring and complete
// exactly the same. Reads cases from its input; says how many came in parts, and in how many pieces.

import { readFileSync } from "node:fs";

import { require } from "./check.mjs";

const { buildSchema, experimentalExecuteIncrementally, parse, validate, specifiedRules } = require("graphql17");

const { sdl, cases } = JSON.parse(readFileSync(0, "utf8"));
const schema = buildSchema(sdl);

const turn = () => new Promise((resolve) => setImmediate(resolve));

// A task that has not begun after so many turns of the loop never will: another should have been finished before.
const TURNS = 200;

// The pieces of our answer, in their order: for each field that one begins with, which piece it came with.
function piecesOf(payloads) {
  const places = new Map();
  const pieceOf = new Map();
  let pieces = 0;
  for (const { pending, incremental } of payloads) {
    for (const { id, path } of pending ?? []) places.set(id, path);
    for (const { id, subPath, data } of incremental ?? []) {
      if (data === undefined) continue;
      const at = [...places.get(id), ...(subPath ?? [])];
      for (const key of Object.keys(data)) pieceOf.set([...at, key].join("."), pieces);
      pieces += 1;
    }
  }
  return { pieceOf, pieces };
}

const textOf = (path) => (path.prev ? `${textOf(path.prev)}.${path.key}` : `${path.key}`);

// Fields of a piece are there when its turn comes; `finish` lets one piece after the other be done.
function inTurn({ pieceOf, pieces }) {
  const gates = Array.from({ length: pieces }, () => {
    const gate = { begun: false, isOpen: false };
    gate.opened = new Promise((resolve) => (gate.open = resolve));
    return gate;
  });
  // every field is in the answer under its response key
  const fieldResolver = (source, _arguments, _context, info) => {
    const value = source?.[info.path.key] ?? null;
    const gate = gates[pieceOf.get(textOf(info.path))];
    if (!gate) return value;
    gate.begun = true;
    return gate.isOpen ? value : gate.opened.then(() => value);
  };
  const finish = async () => {
    for (const gate of gates) {
      for (let turns = 0; !gate.begun && turns < TURNS; turns += 1) await turn();
      gate.isOpen = true;
      gate.open();
      await turn();
      await turn();
    }
  };
  return { fieldResolver, finish };
}

async function reference({ query, data, payloads: ours }) {
  const document = parse(query);
  const errors = validate(schema, document, specifiedRules);
  if (errors.length > 0) throw new Error(`not valid: ${errors[0].message}`);
  const { fieldResolver, finish } = inTurn(piecesOf(ours));
  const result = await experimentalExecuteIncrementally({ schema, document, rootValue: data, fieldResolver });
  if (!("initialResult" in result)) return [result];
  const payloads = [result.initialResult];
  const finished = finish();
  for await (const payload of result.subsequentResults) payloads.push(payload);
  await finished;
  return payloads;
}

// A fragment stands at an object, a streamed list at a list: the last key says which.
const LISTS = ["tags", "tickets", "nodes", "edges", "lines"];
const isList = (path) => LISTS.includes(`${path.at(-1)}`.split("_")[0]);

// What payloads say, apart from their order and their ids.
function gist(payloads) {
  const places = new Map();
  const pending = [];
  const brought = [];
  const items = new Map();
  // fragments: whatever is no list
  const groups = new Set();
  const completed = [];
  for (const payload of payloads) {
    for (const { id, path, label } of payload.pending ?? []) {
      places.set(id, path);
      if (!isList(path)) groups.add(id);
      pending.push({ path: path.join("."), label, id });
    }
    for (const { id, subPath, data, items: more } of payload.incremental ?? []) {
      const path = [...places.get(id), ...(subPath ?? [])].join(".");
      if (more) items.set(id, [...(items.get(id) ?? []), ...more]);
      else brought.push(`${path}: ${JSON.stringify(data)}`);
    }
    for (const { id } of payload.completed ?? []) completed.push(id);
  }
  for (const [id, all] of items) brought.push(`${places.get(id).join(".")}[]: ${JSON.stringify(all)}`);
  // a list of which nothing is left is not announced here, and is by the reference
  const isEmptyList = ({ id }) => !items.has(id) && !groups.has(id);
  const announced = pending.filter((one) => !isEmptyList(one));
  return {
    first: JSON.stringify(payloads[0].data),
    pending: announced.map(({ path, label }) => `${path} ${label ?? ""}`).sort(),
    brought: brought.sort(),
    isComplete: completed.length === pending.length && new Set(completed).size === completed.length,
  };
}

let inParts = 0;
let pieces = 0;
let differing = 0;
for (const one of cases) {
  const [ours, theirs] = [gist(one.payloads), gist(await reference(one))];
  if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
    differing += 1;
    console.error(`${one.query}\nours   ${JSON.stringify(ours, null, 1)}\ntheirs ${JSON.stringify(theirs, null, 1)}`);
  }
  if (one.payloads.length > 1) inParts += 1;
  pieces += ours.brought.length;
}
console.log(inParts, pieces);
process.exit(differing > 0 ? 1 : 0);
