import { expect, test } from 'vitest';
import { initExample, parseLines } from '../support/run-example.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;
const DIGEST = ['export', 'latest', '--template', 'digest-row.md', '-o', 'digest.md'] as const;

test('each paragraph is one request, whole and without its neighbours', async () => {
  const copy = await initExample('documents');
  const { first } = await copy.json('plan', '--first', '10');
  const prompts = (first as { params: { messages: { content: string }[] } }[]).map(
    ({ params }) => params.messages[0]?.content ?? '',
  );
  const paragraphs = copy.read('data/minutes.txt').trimEnd().split(/\n\n+/);
  expect(prompts).toHaveLength(paragraphs.length);
  for (const [index, paragraph] of paragraphs.entries())
    expect(prompts[index]?.endsWith(`\n\n${paragraph}\n`)).toBe(true);
});

test('results go to a file of the user, and the answers become one document in the order of the text', async () => {
  const copy = await initExample('documents');
  await copy.json(...SUBMIT);
  expect((await copy.run('retrieve', 'latest', '-o', 'summaries.jsonl')).code).toBe(0);
  const rows = parseLines(copy.read('summaries.jsonl'));
  expect((await copy.run(...DIGEST)).code).toBe(0);
  const lines = copy.read('digest.md').trimEnd().split('\n');
  expect(lines.slice(0, 2)).toEqual(['# Minutes in short', '']);
  expect(lines.slice(2)).toEqual(
    rows.map(
      ({ text, custom_id }) =>
        `- ${String(text).replace(/\s+/g, ' ')} *(line ${String(custom_id).slice('line-'.length)})*`,
    ),
  );
});

test('a summary that was cut stands in the digest with its reason', async () => {
  const copy = await initExample('documents');
  const { code } = await copy.run(...SUBMIT, '--set', 'max_tokens=5', '--limit', '1');
  expect(code).toBe(3);
  await copy.run(...DIGEST);
  expect(copy.read('digest.md')).toContain('- no summary (truncated) *(line 1)*');
  expect(copy.files('summaries').size).toBe(0);
});
