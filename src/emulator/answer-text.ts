import { pick } from './hash.ts';

const SENTENCES = [
  'The emulator has read the whole request and made this sentence instead of an answer.',
  'Nothing in this paragraph was written by a model, and nothing in it should be relied on.',
  'A real answer would stand here, of about this length and in about as many paragraphs.',
  'The words above are taken from the last user turn, so that each row can be told from the next one.',
  'The same request in the same batch gets the same text again, however often it is downloaded.',
  'It is long enough to look like a summary, a product text or a short report in a table.',
  'Tokens are counted as a quarter of the bytes, which is near enough to rehearse a budget.',
  'Commas, "quotes" and line breaks are in here on purpose, as they are in real answers.',
  'Umlauts and other letters occur too: größer, naïve, coöperate, señor, Łódź.',
  'Where the program that asked for this splits, counts or stores text, it can be seen at work.',
  'If a price is shown beside this row, it is what a real answer of this size would have cost.',
  'The batch that holds this row began, went on and ended by a clock that may run faster than yours.',
] as const;

/** Marked filler text of up to this many characters: a quote of the prompt, then sentences in paragraphs. */
export function writeText(quote: string, length: number, random: () => number): string {
  let text =
    quote === '' ? '[emulated] An answer to a prompt without text.' : `[emulated] An answer to: “${quote}”`;
  let inParagraph = 1;
  for (;;) {
    const sentence = pick(SENTENCES, random);
    if (text.length + sentence.length + 2 > length) return text;
    const isNew = inParagraph === 5;
    text += (isNew ? '\n\n' : ' ') + sentence;
    inParagraph = isNew ? 1 : inParagraph + 1;
  }
}
