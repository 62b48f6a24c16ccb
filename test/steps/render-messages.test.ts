import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RenderItem } from '../../src/core/record.ts';
import { loadJobFile } from '../../src/files/load-job-file.ts';
import { renderRequests } from '../../src/steps/render-requests.ts';
import { resolveJob } from '../../src/steps/resolve-job.ts';
import { makePdf, makePng } from '../support/media.ts';
import { renderDeps } from '../support/render-deps.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const head = 'model: claude-sonnet-5-5\nmax_tokens: 500\nsource: {jsonl: d.jsonl}\n';
type Files = Readonly<Record<string, string | Buffer>>;

async function render(jobYaml: string, files: Files = { 'd.jsonl': '{"a":"A","b":" "}\n' }) {
  const root = makeTempDir({ 'x.job.yaml': jobYaml });
  for (const [path, content] of Object.entries(files)) {
    writeFile(join(root, path), '');
    writeFileSync(join(root, path), content);
  }
  const loaded = await loadJobFile(`${root}/x.job.yaml`, { root });
  const deps = renderDeps(root, loaded);
  const job = await resolveJob(loaded, deps);
  const items: RenderItem[] = [];
  for await (const chunk of renderRequests(job, deps, new AbortController().signal)) items.push(...chunk);
  return items;
}

/** The text of `messages` as it goes on the wire, or the problem. */
async function messagesOf(...args: Parameters<typeof render>): Promise<readonly string[]> {
  return (await render(...args)).map((item) => {
    if (item.kind === 'problem') return item.problem;
    const json = item.stages[0]?.paramsJson ?? '';
    return json.slice(json.indexOf('"messages":') + '"messages":'.length, json.lastIndexOf(']') + 1);
  });
}

const image = (bytes: Buffer): string =>
  `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${bytes.toString('base64')}"}}`;

describe('several turns', () => {
  test('are rendered by the templates of prompts, in their order', async () => {
    const job = `${head}files: {t: "{{ a }}.txt"}
messages:
  - {role: user, content: "Read {{ t }}"}
  - {role: assistant, content: {file: said.md}}
  - role: user
    content:
      - {type: tool_result, tool_use_id: "{{ a }}", content: "{{ not rendered }}"}
      - {type: text, text: "And \\"{{ a }}\\"?"}
`;
    const files = { 'd.jsonl': '{"a":"A"}\n', 'A.txt': 'T', 'said.md': 'I did, {{ a }}.' };
    expect(await messagesOf(job, files)).toEqual([
      '[{"role":"user","content":"Read T"},{"role":"assistant","content":"I did, A."},' +
        '{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{ a }}","content":"{{ not rendered }}"},' +
        '{"type":"text","text":"And \\"A\\"?"}]}]',
    ]);
  });

  test.each([
    [
      'a turn',
      '[{role: user, content: "{{ b }}"}, {role: user, content: x}]',
      'messages.0: the text is empty',
    ],
    [
      'a block',
      '[{role: user, content: [{type: text, text: x}, {type: text, text: "{{ b }}"}]}]',
      'messages.0.content.1: the text is empty',
    ],
  ])('%s that is empty for a record is its problem', async (_name, messages, problem) => {
    const [said] = await messagesOf(`${head}messages: ${messages}\n`);
    expect(said).toBe(`${problem} for this record`);
  });

  test.each([
    ['no template has anything in it', '[{role: user, content: " "}]', 'prompt_empty'],
    [
      'the last one is the assistant’s',
      '[{role: user, content: x}, {role: assistant, content: y}]',
      'job_file_invalid',
    ],
    ['a block has no type', '[{role: user, content: [{text: x}]}]', 'job_file_invalid'],
    ['a text block has no text', '[{role: user, content: [{type: text}]}]', 'job_file_invalid'],
  ])('are refused when %s', async (_name, messages, code) => {
    await expect(render(`${head}messages: ${messages}\n`)).rejects.toMatchObject({
      name: 'UsageError',
      code,
    });
  });
});

describe('attachments', () => {
  test('stand before the text of the prompt, in their order', async () => {
    const pdf = makePdf('a');
    const job = `${head}prompt: "What is {{ a }}?"\nattach: [{document: "{{ a }}.pdf"}, {image: "img/{{ a }}"}, {document: note.txt}]\n`;
    const files = { 'd.jsonl': '{"a":"A"}\n', 'A.pdf': pdf, 'img/A': makePng(), 'note.txt': 'Note' };
    expect(await messagesOf(job, files)).toEqual([
      `[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"${pdf.toString('base64')}"}},` +
        `${image(makePng())},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Note"}},` +
        '{"type":"text","text":"What is A?"}]}]',
    ]);
  });

  test('stand before the first text of the last turn, after the results of tools', async () => {
    const job = `${head}attach: [{image: i.png}]
messages:
  - {role: user, content: one}
  - {role: assistant, content: two}
  - {role: user, content: [{type: tool_result, tool_use_id: t}, {type: text, text: three}]}
`;
    expect(await messagesOf(job, { 'd.jsonl': '{"a":1}\n', 'i.png': makePng() })).toEqual([
      `[{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"},${image(makePng())},{"type":"text","text":"three"}]}]`,
    ]);
    const textless = `${head}attach: [{image: i.png}]\nmessages: [{role: user, content: [{type: image}]}]\n`;
    await expect(render(textless)).rejects.toMatchObject({ code: 'job_file_invalid' });
  });

  test('that cannot be sent are the problem of their record alone, and records stay in order', async () => {
    const names = ['1.png', 'none.png', '2.png', 'text.png', '../out.png', '', '3.png'];
    const data = names.map((a) => JSON.stringify({ a })).join('\n');
    const pictures = [1, 2, 3].map((size) => makePng(Buffer.alloc(size)));
    const said = await messagesOf(`${head}prompt: x\nattach: [{image: "{{ a }}"}]\n`, {
      'd.jsonl': data,
      '1.png': pictures[0] ?? '',
      '2.png': pictures[1] ?? '',
      '3.png': pictures[2] ?? '',
      'text.png': 'no picture',
    });
    expect(
      said.map((one) => (one.startsWith('[') ? pictures.findIndex((png) => one.includes(image(png))) : one)),
    ).toEqual([
      0,
      'attach.0: none.png: there is no such file (ENOENT)',
      1,
      'attach.0: text.png: its content is of no known type; an image is PNG, JPEG, GIF or WebP',
      'attach.0: ../out.png: it is outside the workspace',
      'attach.0: the path is empty',
      2,
    ]);
  });

  test('of more than a request holds are not read', async () => {
    const job = `${head}prompt: x\nattach: [{document: a.txt}, {document: b.txt}]\n`;
    const large = Buffer.alloc(16_000_001, 'a');
    const [said] = await messagesOf(job, { 'd.jsonl': '{"a":1}\n', 'a.txt': large, 'b.txt': large });
    expect(said).toBe(
      'attach: the files have 32,000,002 bytes; the API takes at most 32,000,000 in a request',
    );
  });

  test('of a stage that waits for another are looked for at once, unless its answers name them', async () => {
    const job = (path: string): string => `model: claude-sonnet-5-5\nmax_tokens: 500\nsource: {jsonl: d.jsonl}
stages:
  - {name: notes, prompt: x}
  - {name: report, needs: notes, prompt: "{{ notes.text }}", attach: [{image: "${path}"}]}
`;
    expect(await messagesOf(job('{{ a }}.png'))).toEqual(['attach.0: A.png: there is no such file (ENOENT)']);
    expect(await messagesOf(job('{{ notes.json.chart }}.png'))).toEqual(['[{"role":"user","content":"x"}]']);
  });

  test('are counted as pictures and pages in a plan, not as their characters', async () => {
    const job = `${head}prompt: x\nattach: [{image: a.png}, {document: b.pdf}]\n`;
    const png = makePng(Buffer.alloc(100_000));
    const [item] = await render(job, { 'd.jsonl': '{"a":1}\n', 'a.png': png, 'b.pdf': makePdf('b') });
    expect(item).toMatchObject({ stages: [{ attached: { approxTokens: 1_600 + 3_000 } }] });
  });

  test('do not pile up: a chunk of the source comes in parts when its requests are large', async () => {
    const root = makeTempDir({
      'x.job.yaml': `${head}prompt: x\nattach: [{document: "{{ a }}.txt"}]\n`,
      'd.jsonl': Array.from({ length: 6 }, (_, index) => `{"a":${index}}`).join('\n'),
    });
    for (let index = 0; index < 6; index += 1)
      writeFileSync(join(root, `${index}.txt`), Buffer.alloc(6_000_000, 'a'));
    const job = await loadJobFile(`${root}/x.job.yaml`, { root });
    const chunks: number[] = [];
    for await (const chunk of renderRequests(job, renderDeps(root, job), new AbortController().signal))
      chunks.push(chunk.length);
    expect(Math.max(...chunks)).toBe(2);
    expect(chunks.reduce((sum, length) => sum + length)).toBe(6);
  });
});

describe('cache marks', () => {
  const mark = (ttl = '1h'): string => `,"cache_control":{"type":"ephemeral","ttl":"${ttl}"}`;
  const turns = `messages:
  - {role: user, content: one}
  - {role: assistant, content: two}
  - {role: user, content: [{type: text, text: three, x: 1}, {type: text, text: four}]}
  - {role: assistant, content: five}
  - {role: user, content: "{{ a }}"}
`;

  test('stand on the last block of the last turns of the user', async () => {
    const marked = (count: number): Promise<readonly string[]> =>
      messagesOf(`${head}${turns}cache: {user_messages: ${count}}\n`);
    const last = `{"role":"user","content":[{"type":"text","text":"A"${mark()}}]}`;
    const rest = (three: string, one: string): string =>
      `[{"role":"user","content":${one}},{"role":"assistant","content":"two"},{"role":"user","content":[{"type":"text","text":"three","x":1},{"type":"text","text":"four"${three}}]},{"role":"assistant","content":"five"},${last}]`;
    expect(await marked(1)).toEqual([rest('', '"one"')]);
    expect(await marked(2)).toEqual([rest(mark(), '"one"')]);
    expect(await marked(4)).toEqual([rest(mark(), `[{"type":"text","text":"one"${mark()}}]`)]);
  });

  test('make one block of a prompt, after its attachments', async () => {
    const job = `${head}prompt: x\nattach: [{image: i.png}]\ncache: {user_messages: 1, ttl: 5m}\n`;
    expect(await messagesOf(job, { 'd.jsonl': '{"a":1}\n', 'i.png': makePng() })).toEqual([
      `[{"role":"user","content":[${image(makePng())},{"type":"text","text":"x"${mark('5m')}}]}]`,
    ]);
  });

  test('of the user’s own stay as they are', async () => {
    const own = '{type: text, text: x, cache_control: {type: ephemeral}}';
    const job = `${head}messages: [{role: user, content: [${own}]}]\ncache: {user_messages: 1, ttl: 5m}\n`;
    expect(await messagesOf(job)).toEqual([
      '[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]',
    ]);
  });

  test.each([
    [
      'five marks',
      `system: {text: s, cache: 1h}\ncache: {user_messages: 4}\n${turns}  - {role: user, content: z}\n`,
      'there are 5 cache marks',
    ],
    [
      'a longer time after a shorter one',
      `system: {text: s, cache: 5m}\ncache: {user_messages: 1, ttl: 1h}\n${turns}`,
      'a cache mark of 1h stands after one of 5m',
    ],
  ])('are refused before anything is read: %s', async (_name, keys, problem) => {
    await expect(render(head + keys)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'bad_params',
      why: expect.stringContaining(problem),
    });
  });
});

test('tools, thinking and effort go out as they were written, and what the model refuses is said in full', async () => {
  const keys = `tools: [{name: t, input_schema: {type: object}}]\ntool_choice: {type: auto}\nparams: {thinking: {type: adaptive}, output_config: {effort: low}}\nprompt: x\n`;
  const [item] = await render(head + keys);
  const { paramsJson } = (item?.kind === 'request' ? item.stages[0] : null) ?? {};
  expect(JSON.parse(paramsJson ?? '{}')).toMatchObject({
    tools: [{ name: 't', input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto' },
    thinking: { type: 'adaptive' },
    output_config: { effort: 'low' },
  });
  const bad = `${head}tools: [{name: t, input_schema: {type: object}}]\ntool_choice: {type: tool, name: u}\nparams: {thinking: {type: disabled}}\nprompt: x\n`;
  await expect(render(bad)).rejects.toMatchObject({
    code: 'bad_params',
    why: [
      'params: "tool_choice" asks for the tool "u", which is not one of "tools"',
      'params: "thinking.type": claude-sonnet-5-5 does not take "disabled"; it takes adaptive, between_tools',
      'params: "tool_choice": claude-sonnet-5-5 cannot be forced to use a tool ("tool"); say {type: auto} and ask for it in the prompt',
    ].join('\n'),
  });
});

test('each stage is checked for its own model, and each ready-made line for the one that it names', async () => {
  const stages = `source: {jsonl: d.jsonl}\nmax_tokens: 100000\nstages:\n  - {name: a, model: claude-sonnet-5-5, prompt: x}\n  - {name: b, needs: a, model: claude-haiku-4-5, prompt: "{{ a.text }}"}\n`;
  await expect(render(stages)).rejects.toMatchObject({
    code: 'bad_params',
    why: 'stage "b": params: "max_tokens" is 100,000; claude-haiku-4-5 writes at most 64,000, so lower it',
  });
  const line = (model: string): string =>
    `${JSON.stringify({ custom_id: model, params: { model, max_tokens: 100_000, messages: [{ role: 'user', content: 'x' }] } })}\n`;
  const lines = line('claude-haiku-4-5') + line('claude-haiku-5-5') + line('some-model');
  const items = await render('source: {requests: r.jsonl}\n', { 'r.jsonl': lines });
  expect(items.map((item) => (item.kind === 'problem' ? item.problem : item.customId))).toEqual([
    'params: "max_tokens" is 100,000; claude-haiku-4-5 writes at most 64,000, so lower it',
    'claude-haiku-5-5',
    'some-model',
  ]);
});
