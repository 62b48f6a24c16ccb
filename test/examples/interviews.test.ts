import { expect, test } from 'vitest';
import { initExample, type Json } from '../support/run-example.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;

interface Turn {
  readonly role: string;
  readonly content: string;
}

test('each interview is one JSON file in the shape that the simulator writes', async () => {
  const copy = await initExample('interviews');
  await copy.json(...SUBMIT);
  const files = copy.files('interviews');
  expect(files.size).toBe(10);
  for (const [path, text] of files) {
    const interview = JSON.parse(text) as Json & { readonly transcript: readonly Turn[] };
    const number = Number(/interview-(\d+)\.json$/.exec(path)?.[1]);
    expect(Object.keys(interview)).toEqual(['interview_id', 'timestamp', 'provider', 'model', 'transcript']);
    expect(interview).toMatchObject({
      interview_id: number,
      timestamp: expect.stringMatching(/^2026-03-02T\d\d:\d\d:00Z$/),
      provider: 'anthropic',
      model: 'claude-sonnet-5-5',
    });
    const { transcript } = interview;
    expect(transcript.length).toBeGreaterThanOrEqual(5);
    expect(transcript.map(({ role }) => role)).toEqual(
      transcript.map((_, index) => (index % 2 === 0 ? 'assistant' : 'user')),
    );
    expect(transcript.filter(({ content }) => content.trim() === '')).toEqual([]);
  }
});

test('a transcript begins with what the data says, and goes on with what was answered', async () => {
  const copy = await initExample('interviews');
  const done = await copy.json(...SUBMIT, '--select', 'interview_id=4');
  const [row] = copy.rows(done);
  const answer = row?.['json'] as { first_answer: string; exchanges: { question: string; answer: string }[] };
  const { transcript } = JSON.parse(copy.read('interviews/interview-4.json')) as {
    transcript: readonly Turn[];
  };
  expect(transcript.map(({ content }) => content)).toEqual([
    "You'll need to sit on this side, the good ear is here.",
    'How far can you walk before you want to sit down?',
    answer.first_answer,
    ...answer.exchanges.flatMap(({ question, answer: said }) => [question, said]),
  ]);
});

test('a request has the persona, the greeting and the first question as turns, and the rules cached', async () => {
  const copy = await initExample('interviews');
  const { first } = await copy.json('plan', '--select', 'interview_id=2');
  // Of one record, so it is there.
  const [{ params }] = first as [{ readonly params: Json }];
  const turns = params['messages'] as readonly Turn[];
  expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  expect(turns[0]?.content).toContain('Type 2 diabetes since 2015');
  expect(turns[1]?.content).toBe('Good morning. You will have to stop me, I talk.');
  expect(turns[2]?.content).toContain('How do you manage your meals on a long shift?');
  expect(params['system']).toMatchObject([{ cache_control: { type: 'ephemeral', ttl: '1h' } }]);

  const done = await copy.json(...SUBMIT);
  expect(done['usage']).toHaveProperty(
    'cache_read_input_tokens',
    expect.toSatisfy((tokens) => Number(tokens) > 0),
  );
});

test('--offset and --limit take a stretch of the personas, as start index and count did', async () => {
  const copy = await initExample('interviews');
  expect(await copy.json(...SUBMIT, '--offset', '3', '--limit', '2')).toMatchObject({ succeeded: 2 });
  expect([...copy.files('interviews').keys()]).toEqual([
    'interviews/interview-4.json',
    'interviews/interview-5.json',
  ]);
});
