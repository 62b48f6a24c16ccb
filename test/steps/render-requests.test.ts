import { describe, expect, test } from 'vitest';
import type { RecordSource, RenderedRequest, RenderItem, SourceItem } from '../../src/core/record.ts';
import { loadJobFile } from '../../src/files/load-job-file.ts';
import { renderRequests } from '../../src/steps/render-requests.ts';
import { resolveJob } from '../../src/steps/resolve-job.ts';
import { renderDeps } from '../support/render-deps.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const head = 'model: claude-sonnet-5-5\nmax_tokens: 500\n';

async function render(
  jobYaml: string,
  files: Readonly<Record<string, string>> = {},
  path = 'x.job.yaml',
): Promise<readonly RenderItem[]> {
  const root = makeTempDir({ [path]: jobYaml, ...files });
  const job = await loadJobFile(`${root}/${path}`, { root });
  const deps = renderDeps(root, job);
  const resolved = await resolveJob(job, deps);
  const items: RenderItem[] = [];
  for await (const chunk of renderRequests(resolved, deps, new AbortController().signal))
    items.push(...chunk);
  return items;
}

async function requestsOf(...args: Parameters<typeof render>): Promise<readonly RenderedRequest[]> {
  return (await render(...args)).map((item) => {
    if (item.kind !== 'request') throw new Error(item.problem);
    return item;
  });
}

/** Of the job's only stage. */
function paramsOf({ stages }: RenderedRequest): string {
  const [stage] = stages;
  if (stage?.paramsJson == null || stages.length > 1) throw new Error('not one stage that is rendered');
  return stage.paramsJson;
}

const outputOf = ({ stages }: RenderedRequest): string | null | undefined => stages[0]?.outputPath;

test('a request has its keys in a fixed order, and the same bytes in every build', async () => {
  const job = `${head}params: {output_config: {effort: low}, metadata: {user_id: u}}
source: {csv: d.csv}
system: {text: "You write in {{ lang }}.", cache: 1h}
prompt: |
  Write about "{{ name }}".
output: "out/{{ lang }}/{{ name }}.md"
`;
  const [request] = await requestsOf(job, { 'd.csv': 'id,name,lang\np 1,Zoë,de\n' });
  expect(request).toEqual({
    kind: 'request',
    seq: 1,
    customId: 'p-1-55x8tc3ksben',
    originalId: 'p 1',
    record: { json: '{"id":"p 1","name":"Zoë","lang":"de"}' },
    group: null,
    stages: [
      {
        paramsJson:
          '{"model":"claude-sonnet-5-5","max_tokens":500,' +
          '"system":[{"type":"text","text":"You write in de.","cache_control":{"type":"ephemeral","ttl":"1h"}}],' +
          '"messages":[{"role":"user","content":"Write about \\"Zoë\\".\\n"}],' +
          '"output_config":{"effort":"low"},"metadata":{"user_id":"u"}}',
        outputPath: 'out/de/Zoë.md',
      },
    ],
    at: { file: 'd.csv', line: 2 },
  });
});

test('a system prompt without cache is a text, and an empty one is left out', async () => {
  const job = `${head}source: {jsonl: d.jsonl}\nsystem: "{{ s }}"\nprompt: hi\n`;
  const requests = await requestsOf(job, { 'd.jsonl': '{"s":"S"}\n{"s":" "}\n' });
  expect(requests.map((request) => Object.keys(JSON.parse(paramsOf(request))))).toEqual([
    ['model', 'max_tokens', 'system', 'messages'],
    ['model', 'max_tokens', 'messages'],
  ]);
});

describe('custom_id', () => {
  const job = `${head}source: {jsonl: d.jsonl}\nprompt: hi\n`;

  test('is the id of the job file, else the column id, else the row', async () => {
    const data = { 'd.jsonl': '{"id":"a","n":1}\n\n{"id":7,"n":2}\n{"n":3}\n' };
    expect((await requestsOf(job, data)).map((request) => request.customId)).toEqual(['a', '7', 'row-3']);
    expect((await requestsOf(`${job}id: "r{{ n }}"\n`, data)).map((request) => request.customId)).toEqual([
      'r1',
      'r2',
      'r3',
    ]);
  });

  test('of a row is the same whatever select keeps', async () => {
    const data = { 'd.jsonl': '{"n":1}\n{"n":2}\n{"n":3}\n' };
    const requests = await requestsOf(`${job}select: {n: [2, 3]}\n`, data);
    expect(requests.map((request) => [request.seq, request.customId])).toEqual([
      [1, 'row-2'],
      [2, 'row-3'],
    ]);
  });
});

test('select compares as text', async () => {
  const job = `${head}source: {jsonl: d.jsonl}\nprompt: hi\nselect: {a: [1, true, ""], b: x}\n`;
  const data = {
    'd.jsonl':
      '{"a":1,"b":"x"}\n{"a":"1","b":"x"}\n{"a":true,"b":"x"}\n{"a":null,"b":"x"}\n{"a":2,"b":"x"}\n{"a":1,"b":"y"}\n',
  };
  expect((await requestsOf(job, data)).map((request) => request.customId)).toEqual([
    'row-1',
    'row-2',
    'row-3',
    'row-4',
  ]);
});

test('files are read for each record, relative to the job file, and prompts may be files', async () => {
  const requests = await requestsOf(
    `${head}source: {axes: {teg: 1-40}}\nfiles: {scores: "../data/teg{{ teg }}.csv"}\nprompt: {file: p.md}\nsystem: {file: s.md}\nid: "t{{teg}}"\n`,
    {
      'jobs/p.md': 'TEG {{ teg }}: {{ scores }}',
      'jobs/s.md': 'Report.',
      ...Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [`data/teg${index + 1}.csv`, `{{ ${index} }}`]),
      ),
    },
    'jobs/x.job.yaml',
  );
  const contents = requests.map(
    (request) => (JSON.parse(paramsOf(request)) as { messages: [{ content: string }] }).messages[0].content,
  );
  expect(contents).toEqual(Array.from({ length: 40 }, (_, index) => `TEG ${index + 1}: {{ ${index} }}`));
  expect(requests.map((request) => request.seq)).toEqual(contents.map((_, index) => index + 1));
});

test('files are not read for records that select leaves out', async () => {
  const root = makeTempDir({
    'x.job.yaml': `${head}source: {axes: {n: 1-3}}\nselect: {n: 2}\nfiles: {t: "{{ n }}.txt"}\nprompt: "{{ t }}"\n`,
  });
  const job = await loadJobFile(`${root}/x.job.yaml`, { root });
  const asked: string[] = [];
  const texts = {
    read: (path: string): Promise<string> => {
      asked.push(path);
      return Promise.resolve('text');
    },
  };
  const deps = { ...renderDeps(root, job), texts };
  for await (const chunk of renderRequests(job, deps, new AbortController().signal))
    expect(chunk).toHaveLength(1);
  expect(asked).toEqual(['2.txt']);
});

test('rows of a CSV all have the same columns, so that even "if" may not name another; JSONL may lack one', async () => {
  const job = (kind: string): string => `${head}source: {${kind}}\nprompt: "a{% if nmae %}b{% endif %}"\n`;
  expect(await render(job('csv: d.csv'), { 'd.csv': 'name\nA\n' })).toMatchObject([
    { kind: 'problem', problem: 'prompt, line 1: there is no column "nmae"; did you mean "name"?' },
  ]);
  expect(await requestsOf(job('jsonl: d.jsonl'), { 'd.jsonl': '{"name":"A"}\n' })).toHaveLength(1);
});

test('a record that cannot be rendered does not stop the others, which stay in order', async () => {
  const job = `${head}source: {jsonl: d.jsonl}\nprompt: "{{ a }}"\n`;
  const items = await render(job, { 'd.jsonl': '{"a":1}\n{"b":1}\nx\n{"a":2}\n' });
  expect(
    items.map((item) => (item.kind === 'request' ? item.seq : `${item.at.file}:${item.at.line}`)),
  ).toEqual([1, 'd.jsonl:2', 'd.jsonl:3', 2]);
});

describe('output', () => {
  const job = (output: string): string =>
    `${head}source: {jsonl: d.jsonl}\nprompt: hi\noutput: "${output}"\n`;

  test('is relative to the job file; data may make folders and never leaves', async () => {
    const data = { 'jobs/d.jsonl': '{"p":"a/b"}\n{"p":"CON"}\n{"p":"x:y"}\n' };
    const requests = await requestsOf(job('out/{{ p }}.md'), data, 'jobs/x.job.yaml');
    expect(requests.map(outputOf)).toEqual(['jobs/out/a/b.md', 'jobs/out/CON_.md', 'jobs/out/x_y.md']);
  });

  test('knows the custom_id', async () => {
    const requests = await requestsOf(job('out/{{ custom_id }}.md'), { 'd.jsonl': '{"a":1}\n{"id":"q"}\n' });
    expect(requests.map(outputOf)).toEqual(['out/row-1.md', 'out/q.md']);
  });

  test('is the default place when the job file says nothing', async () => {
    const [request] = await requestsOf(`${head}source: {axes: {n: 1}}\nprompt: hi\n`);
    expect(request?.stages).toMatchObject([{ outputPath: null }]);
  });
});

test('ready-made requests go out byte for byte, with an empty record', async () => {
  const params =
    '{"messages":[{"content":"\\u00e9","role":"user"}] ,"n":12345678901234567890,"max_tokens":5,"model":"m"}';
  const job = 'source: {requests: r.jsonl}\noutput: "o/{{ custom_id }}.txt"\n';
  const requests = await requestsOf(job, {
    'r.jsonl': `{"custom_id":"a","params":${params}}\n{"custom_id":"b c","params":${params}}\n`,
  });
  expect(
    requests.map(({ customId, originalId, record, stages }) => ({
      customId,
      originalId,
      record,
      stages,
    })),
  ).toEqual([
    {
      customId: 'a',
      originalId: null,
      record: { json: '{}' },
      stages: [{ paramsJson: params, outputPath: 'o/a.txt' }],
    },
    {
      customId: 'b-c-7r48cmk23g0a',
      originalId: 'b c',
      record: { json: '{}' },
      stages: [{ paramsJson: params, outputPath: 'o/b-c-7r48cmk23g0a.txt' }],
    },
  ]);
});

test('a sampling parameter may be sent under 2023-06-01', async () => {
  const requests = await requestsOf(
    `model: claude-haiku-4-5\nmax_tokens: 500\napi_version: 2023-06-01\nparams: {temperature: 0.5}\nsource: {axes: {n: 1}}\nprompt: hi\n`,
  );
  expect(requests.map((request) => JSON.parse(paramsOf(request)))).toMatchObject([{ temperature: 0.5 }]);
});

test('nothing is asked of the source before the job itself is known to be right', async () => {
  const source: RecordSource = {
    items: (): AsyncIterable<readonly SourceItem[]> => {
      throw new Error('asked');
    },
  };
  const root = makeTempDir({
    'x.job.yaml': `${head}params: {top_k: 1}\nsource: {axes: {n: 1}}\nprompt: hi\n`,
  });
  const job = await loadJobFile(`${root}/x.job.yaml`, { root });
  const deps = { ...renderDeps(root, job), source };
  const rendering = renderRequests(job, deps, new AbortController().signal);
  await expect(rendering.next()).rejects.toMatchObject({ code: 'bad_params' });
});
