import { memberSpans } from './json-spans.ts';
import { customIdAtHead, parseResultLine } from './result-line.ts';

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
