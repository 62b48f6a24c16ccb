import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { findDeepYaml } from './yaml-depth.ts';

/** Something wrong in a YAML text; `line` and `column` count from 1, null where it has no place. */
export interface YamlProblem {
  readonly line: number | null;
  readonly column: number | null;
  readonly problem: string;
}

/** A YAML text as plain values, and where each key stands. */
export interface YamlContent {
  readonly problems: readonly YamlProblem[];
  readonly value: unknown;
  /** The line of a key or of an item of a list, or of the nearest one above it that is there. */
  lineOf(path: readonly PropertyKey[]): number | null;
}

// A bomb of nested aliases grows tenfold a level; job files have a few at most.
const MAX_ALIASES = 100;

/**
 * Reads YAML 1.2 with the core schema: no tags of other kinds, no dates, no duplicate keys, no `__proto__`. Numbers
 * written with zeros in front (`01`) stay text; integers that a double cannot hold are a problem.
 */
export function readYaml(text: string): YamlContent {
  const counter = new LineCounter();
  const deep = findDeepYaml(text);
  if (deep !== null) return tooDeep(text, deep);
  const document = parseDocument(text, { schema: 'core', lineCounter: counter, prettyErrors: false });
  const problems: YamlProblem[] = [...document.errors, ...document.warnings].map((error) => {
    const { line, col } = counter.linePos(error.pos[0]);
    return { line, column: col, problem: yamlSentence(error.code, error.message) };
  });
  const report = (offset: number | undefined, problem: string): void => {
    const place = offset === undefined ? null : counter.linePos(offset);
    problems.push({ line: place?.line ?? null, column: place?.col ?? null, problem });
  };
  checkNodes(document, report);
  let value: unknown = null;
  if (problems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (cause) {
      if (!(cause instanceof ReferenceError)) throw cause;
      problems.push({
        line: null,
        column: null,
        problem: 'its aliases (*name) unfold to far too much, or refer to nothing',
      });
    }
  }
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    const offset = offsetOf(document, path);
    return offset === null ? null : counter.linePos(offset).line;
  };
  return { problems, value, lineOf };
}

function tooDeep(
  text: string,
  { offset, problem }: { readonly offset: number; readonly problem: string },
): YamlContent {
  const before = text.slice(0, offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { problems: [{ line: before.length, column, problem }], value: null, lineOf: () => null };
}

function checkNodes(
  document: Document.Parsed,
  report: (offset: number | undefined, problem: string) => void,
): void {
  visit(document, {
    Pair(_, pair) {
      const key: unknown = pair.key;
      if (!isScalar(key)) report(undefined, 'a key is a list or a mapping; keys are text');
      else if (key.value === '__proto__') report(key.range?.[0], '"__proto__" cannot be a key');
    },
    Alias(_, node, path) {
      const source = node.resolve(document);
      if (source !== undefined && path.some((above) => above === source))
        report(node.range?.[0], `*${node.source} stands inside of what it names, which has no end`);
    },
    Scalar(_, node) {
      if (typeof node.value !== 'number') return;
      if (/^[-+]?0\d/.test(node.source ?? '')) node.value = node.source;
      else if (!Number.isFinite(node.value))
        report(node.range?.[0], 'a number that JSON does not have; put it in quotes');
      else if (Number.isInteger(node.value) && !Number.isSafeInteger(node.value)) {
        report(node.range?.[0], 'a number too large to be kept exactly; put it in quotes');
      }
    },
  });
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number | null {
  let node: unknown = document.contents;
  let offset: number | null = null;
  for (const key of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (pair === undefined) return offset;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      const item: unknown = node.items[key];
      if (isNode(item)) offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}

function yamlSentence(code: string, message: string): string {
  switch (code) {
    case 'TAG_RESOLVE_FAILED':
      return 'a tag (!name) that job files do not have';
    case 'DUPLICATE_KEY':
      return 'the same key stands twice in one mapping';
    case 'TAB_AS_INDENT':
      return 'a tab as indentation; YAML takes spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document (---); a job file is one';
    case 'BAD_INDENT':
      return 'the indentation does not fit the lines above';
    default:
      // The parser's own sentences quote single characters and tokens at most.
      return message.split('\n')[0]?.slice(0, 120) ?? code;
  }
}

/**
 * The value after `--set key=`: flow YAML (`[1, 2]`, `{effort: low}`), a number, true, false, null or quoted text;
 * everything else is the text as it stands. Throws a plain Error with a sentence.
 */
export function readYamlValue(text: string): unknown {
  const trimmed = text.trim();
  const flow = /^[[{"']/.test(trimmed);
  const plain = /^(?:[-+]?[\d.][\d.eE+-]*|true|false|null|~)$/i.test(trimmed);
  if (!flow && !plain) return text;
  const { problems, value } = readYaml(flow ? trimmed : `- ${trimmed}`);
  if (problems[0] !== undefined) throw new Error(problems[0].problem);
  return flow ? value : Array.isArray(value) ? value[0] : value;
}
