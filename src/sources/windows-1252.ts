// Where Windows-1252 is not Latin-1: what the bytes 0x80 to 0x9f mean, NUL for the five that mean nothing. Not
// TextDecoder: before Node 23.7 it reads them as Latin-1, and 22.18 is supported.
// Source: encoding.spec.whatwg.org/index-windows-1252.txt; nodejs/node issue 56542.
const HIGH_CONTROLS = '€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ';

/** Bytes of Windows-1252 as text; every byte means something, as in browsers. */
export function decodeWindows1252(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return text.replace(/[\x80-\x9f]/g, (control) => {
    const meant = HIGH_CONTROLS[control.charCodeAt(0) - 0x80];
    return meant === undefined || meant === '\0' ? control : meant;
  });
}
