/**
 * Digits compare as the number they are, so that `row-2` comes before `row-10`; the same on every machine. Nothing is made
 * of the texts on the way: of a hundred thousand, keys would take more memory than the texts.
 */
export function sortNaturally(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => compareNaturally(a, b) || compare(a, b));
}

function compareNaturally(a: string, b: string): number {
  let [at, bt] = [0, 0];
  while (at < a.length && bt < b.length) {
    if (!isDigit(a, at) || !isDigit(b, bt)) {
      const difference = a.charCodeAt(at) - b.charCodeAt(bt);
      if (difference !== 0) return difference;
      at += 1;
      bt += 1;
      continue;
    }
    at = skipZeros(a, at);
    bt = skipZeros(b, bt);
    const [aEnd, bEnd] = [endOfDigits(a, at), endOfDigits(b, bt)];
    // Of two numbers without zeros in front the longer one is the larger.
    if (aEnd - at !== bEnd - bt) return aEnd - at - (bEnd - bt);
    for (; at < aEnd; at += 1, bt += 1) {
      const difference = a.charCodeAt(at) - b.charCodeAt(bt);
      if (difference !== 0) return difference;
    }
  }
  return a.length - at - (b.length - bt);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Up to the last digit, so that a zero is a number too. */
function skipZeros(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x30 && isDigit(text, at + 1)) at += 1;
  return at;
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text, at)) at += 1;
  return at;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
