import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { seeded } from '../test/support/seeded.ts';

/** Characters of a record's text, so that a request line has about 2.4 kB (100,000 of them: about 240 MB). */
const TEXT_CHARACTERS = 2_150;
/** The emulator's answers grow with it: a result line has about 2.7 kB. */
const MAX_TOKENS = 700;
const SEED = 20_261_129;

const WORDS = (
  'the report of a round says what was played and how it went so that who was not there can tell the better strokes ' +
  'from those that were lost in wind and rain on greens as fast as glass größer naïve café « » “quoted” 1,234.5'
).split(' ');

/** What the bench works on, all in one folder; `size` records. */
export interface BenchData {
  readonly size: number;
  readonly jsonl: string;
  readonly csv: string;
}

/** The same bytes for the same size on every machine. */
export async function makeData(dir: string, size: number): Promise<BenchData> {
  const [jsonl, csv] = [join(dir, 'records.jsonl'), join(dir, 'records.csv')];
  await write(jsonl, size, null, (id, text) => `${JSON.stringify({ id, text })}\n`);
  await write(csv, size, 'id,text\n', (id, text) => `${id},"${text.replaceAll('"', '""')}"\n`);
  return { size, jsonl, csv };
}

async function write(
  path: string,
  size: number,
  head: string | null,
  line: (id: string, text: string) => string,
): Promise<void> {
  const random = seeded(SEED);
  function* lines(): Generator<string> {
    if (head !== null) yield head;
    for (let index = 1; index <= size; index += 1) yield line(`r-${index}`, textOf(random.next));
  }
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/** Words, commas, quotes and line breaks, as texts have them. */
function textOf(next: () => number): string {
  let text = '';
  while (text.length < TEXT_CHARACTERS) {
    const word = WORDS[Math.floor(next() * WORDS.length)] ?? '';
    const mark = next();
    text += word + (mark < 0.02 ? '.\n' : mark < 0.06 ? ', ' : ' ');
  }
  return text.trimEnd();
}

/** A job file over the data, beside it or elsewhere. */
export function jobFile(
  name: string,
  source: { readonly jsonl: string } | { readonly csv: string },
  more: string,
): string {
  return [
    `name: ${name}`,
    'model: claude-haiku-5-5',
    `max_tokens: ${MAX_TOKENS}`,
    `source: ${JSON.stringify(source)}`,
    'id: "{{ id }}"',
    'prompt: "Summarize this report: {{ text }}"',
    more,
    '',
  ].join('\n');
}
