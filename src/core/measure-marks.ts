import { createHash } from 'node:crypto';
import { encodedFiles, mayHoldFiles } from './encoded-files.ts';

/** One cache mark of a request, and the prompt up to it. */
export interface MeasuredMark {
  readonly ttl: '5m' | '1h';
  /** Local tokens from the mark before it, or the beginning. */
  readonly tokens: number;
  /** From the beginning. */
  readonly tokensUpTo: number;
  /** 16 hex characters of a hash of all of the prompt up to it. */
  readonly hash: string;
}

type Params = Readonly<Record<string, unknown>>;

const MARK = '"cache_control"';
/** What the API reads before the messages, wherever it stands in the text. */
const READ_FIRST = ['"tools"', '"system"', '"output_config"'];

/**
 * Reads the cache marks of requests, one after another. Most of a job share the text up to the last mark: then nothing is
 * parsed.
 */
export class MarkReader {
  #last: { readonly before: string; readonly rest: string; readonly marks: readonly MeasuredMark[] } | null =
    null;

  read(paramsJson: string): readonly MeasuredMark[] {
    const last = this.#last;
    if (
      last !== null &&
      paramsJson.startsWith(last.before) &&
      paramsJson.indexOf(MARK, last.before.length) === -1 &&
      restOf(paramsJson, last.before.length) === last.rest
    )
      return last.marks;
    if (!paramsJson.includes(MARK)) return [];
    const params: unknown = JSON.parse(paramsJson);
    const marks = isObject(params) ? walkMarks(params) : [];
    const end = endOfLastMark(paramsJson);
    this.#last =
      end === null ? null : { before: paramsJson.slice(0, end), rest: restOf(paramsJson, end), marks };
    return marks;
  }
}

/** Where the block of the last mark ends; null when the mark is not the last thing in it. */
function endOfLastMark(paramsJson: string): number | null {
  const close = paramsJson.indexOf('}', paramsJson.lastIndexOf(MARK));
  return paramsJson[close + 1] === '}' ? close + 2 : null;
}

/** From the first thing on that would stand before the messages in the prompt; '' when nothing does. */
function restOf(paramsJson: string, from: number): string {
  let first = paramsJson.length;
  for (const name of READ_FIRST) {
    const place = paramsJson.indexOf(name, from);
    if (place !== -1 && place < first) first = place;
  }
  return paramsJson.slice(first);
}

/** In the order in which the API reads a prompt; source: the prompt caching page, «How prompt caching works». */
function walkMarks(params: Params): readonly MeasuredMark[] {
  const pieces = [...piecesOf(params)];
  const automatic = ttlOf(params);
  const last = pieces.at(-1);
  if (automatic !== null && last !== undefined && last.ttl === null)
    pieces[pieces.length - 1] = { ...last, ttl: automatic };
  const hash = createHash('sha256');
  const marks: MeasuredMark[] = [];
  let bytes = 0;
  let upTo = 0;
  for (const piece of pieces) {
    hash.update(piece.json).update('\n');
    bytes += piece.bytes;
    if (piece.ttl === null) continue;
    const tokensUpTo = Math.ceil(bytes / 4);
    marks.push({
      ttl: piece.ttl,
      tokens: tokensUpTo - upTo,
      tokensUpTo,
      hash: hash.copy().digest('hex').slice(0, 16),
    });
    upTo = tokensUpTo;
  }
  return marks;
}

interface Piece {
  readonly json: string;
  /** As of text: those of a file are made from its tokens. */
  readonly bytes: number;
  readonly ttl: '5m' | '1h' | null;
}

function* piecesOf({ tools, system, messages, output_config: config }: Params): Generator<Piece> {
  if (isObject(config) && config['format'] != null) yield pieceOf(config['format']);
  for (const tool of listOf(tools)) yield pieceOf(tool);
  for (const block of listOf(system)) yield pieceOf(block);
  for (const message of listOf(messages)) {
    if (isObject(message)) for (const block of listOf(message['content'])) yield pieceOf(block);
  }
}

function pieceOf(block: unknown): Piece {
  const json = JSON.stringify(block) ?? '';
  const files = mayHoldFiles(json) ? encodedFiles(block) : NO_FILES;
  return {
    json,
    bytes: Buffer.byteLength(json) - files.bytes + 4 * files.approxTokens,
    ttl: isObject(block) ? ttlOf(block) : null,
  };
}

const NO_FILES = { bytes: 0, approxTokens: 0 };

/** A text is a list of one block. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? [value] : [];
}

function ttlOf(block: Params): '5m' | '1h' | null {
  const mark = block['cache_control'];
  if (!isObject(mark)) return null;
  return mark['ttl'] === '1h' ? '1h' : '5m';
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
