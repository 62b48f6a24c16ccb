import { memberSpans } from './json-spans.ts';
import { customIdAtHead, parseResultLine } from './result-line.ts';
import { parseWireId, wireId } from './wire-id.ts';

/** One line of a shard file: the id on the wire and the params, exactly as they stand there. Null: not such a line. */
export function readShardLine(text: string): { readonly wireId: string; readonly paramsJson: string } | null {
  const wireId = customIdAtHead(text) ?? parseResultLine(text)?.customId ?? null;
  if (wireId === null) return null;
  // As the build writes it; anything else is read with more care.
  const head = `{"custom_id":"${wireId}","params":`;
  if (text.startsWith(head)) return { wireId, paramsJson: text.slice(head.length, -1) };
  const params = memberSpans(text).find((member) => member.name === 'params');
  return params === undefined ? null : { wireId, paramsJson: text.slice(params.start, params.end) };
}

/**
 * The same line for another shard. Its custom_id stands first and holds no escapes: the build wrote it. The params stay as
 * they are.
 */
export function withNonce(line: string, nonce: string): { readonly text: string; readonly seq: number } {
  const start = '{"custom_id":"'.length;
  const end = line.indexOf('"', start);
  const id = line.slice(start, end);
  const parsed = parseWireId(id);
  if (parsed === null) throw new Error(`not a wire id: ${id}`);
  const plain = id.slice(0, id.length - `--${parsed.nonce}-${parsed.seq}`.length);
  return { text: line.slice(0, start) + wireId(plain, nonce, parsed.seq) + line.slice(end), seq: parsed.seq };
}
