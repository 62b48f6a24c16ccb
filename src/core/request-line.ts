import { memberSpans } from './json-spans.ts';
import { parseWireId } from './wire-id.ts';

/** One line of a shard file. */
export interface RequestLine {
  readonly wireId: string;
  readonly seq: number;
  /** JSON text, exactly as built. */
  readonly paramsJson: string;
}

/** `text` is a line of our own build: the id stands first and holds no escapes, and the params are the last member. */
export function parseRequestLine(text: string): RequestLine {
  const start = '{"custom_id":"'.length;
  const wireId = text.slice(start, text.indexOf('"', start));
  const wire = parseWireId(wireId);
  const params = memberSpans(text).at(-1);
  if (wire === null || params?.name !== 'params') throw new Error(`not a line of a shard: ${wireId}`);
  return { wireId, seq: wire.seq, paramsJson: text.slice(params.start, params.end) };
}

/** Tokens that a call may use at most, roughly: four bytes a token, and all of `max_tokens`. */
export function tokensAtMost(paramsJson: string): number {
  const maxTokens = memberSpans(paramsJson).findLast((member) => member.name === 'max_tokens');
  const answer = maxTokens === undefined ? 0 : Number(paramsJson.slice(maxTokens.start, maxTokens.end));
  return Math.ceil(Buffer.byteLength(paramsJson) / 4) + (Number.isFinite(answer) ? answer : 0);
}
