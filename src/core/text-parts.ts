/**
 * A text in pieces of `units` UTF-16 units, or one less: both halves of a surrogate pair stay together, because one alone
 * becomes U+FFFD in UTF-8 and an escape in JSON. A piece is a view of the text, not a copy.
 */
export function* textParts(text: string, units: number): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = partEnd(text, at + units);
    yield text.slice(at, end);
    at = end;
  }
}

function partEnd(text: string, wanted: number): number {
  if (wanted >= text.length) return text.length;
  const last = text.charCodeAt(wanted - 1);
  return last >= 0xd800 && last <= 0xdbff ? wanted - 1 : wanted;
}
