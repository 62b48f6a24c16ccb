import { memberSpans } from './json-spans.ts';
import { readShardLine } from './shard-line.ts';
import { parseWireId } from './wire-id.ts';

/** One line of a shard file. */
export interface RequestLine {
  readonly wireId: string;
  /** Both are in the id. */
  readonly nonce: string;
  readonly seq: number;
  /** JSON text, exactly as built. */
  readonly paramsJson: string;
}

/** Null when it is no such line, or its id is not one of ours. */
export function readRequestLine(text: string): RequestLine | null {
  const line = readShardLine(text);
  const wire = line === null ? null : parseWireId(line.wireId);
  return line === null || wire === null ? null : { ...line, ...wire };
}

/** The same of a line that the build wrote. */
export function parseRequestLine(text: string): RequestLine {
  const line = readRequestLine(text);
  if (line !== null) return line;
  // The id alone: what follows it is a prompt.
  const start = '{"custom_id":"'.length;
  throw new Error(`not a line of a shard: ${text.slice(start, text.indexOf('"', start))}`);
}

/** Tokens that a call may use at most, roughly: four bytes a token, and all of `max_tokens`. */
export function tokensAtMost(paramsJson: string): number {
  const maxTokens = memberSpans(paramsJson).findLast((member) => member.name === 'max_tokens');
  const answer = maxTokens === undefined ? 0 : Number(paramsJson.slice(maxTokens.start, maxTokens.end));
  return Math.ceil(Buffer.byteLength(paramsJson) / 4) + (Number.isFinite(answer) ? answer : 0);
}
