import Anthropic from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { createBatch, emulate, request, requests, sdkFor, untilEnded } from './fixture.ts';

test('the SDK creates a batch that is in progress, with every key of the type', async () => {
  const emulator = await emulate({ batchSeconds: 60 });
  const batch = await sdkFor(emulator).messages.batches.create({ requests: requests(3) });
  expect(batch).toMatchObject({
    id: expect.stringMatching(/^msgbatch_01\w{22}$/),
    type: 'message_batch',
    processing_status: 'in_progress',
    request_counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
    ended_at: null,
    cancel_initiated_at: null,
    archived_at: null,
    results_url: null,
  });
  expect(Date.parse(batch.expires_at) - Date.parse(batch.created_at)).toBe(24 * 3600 * 1000);
});

test('the SDK retrieves an ended batch and reads its results', async () => {
  const emulator = await emulate();
  const client = sdkFor(emulator);
  const { id } = await client.messages.batches.create({ requests: requests(30) });
  await untilEnded(emulator, id);
  const batch = await client.messages.batches.retrieve(id);
  expect(batch.request_counts).toEqual({ processing: 0, succeeded: 30, errored: 0, canceled: 0, expired: 0 });
  expect(batch.results_url).toBe(`${emulator.url}/v1/messages/batches/${id}/results`);
  const ids: string[] = [];
  for await (const row of await client.messages.batches.results(id)) {
    expect(row.result.type).toBe('succeeded');
    ids.push(row.custom_id);
  }
  const sent = requests(30).map((one) => one.custom_id);
  expect(ids.toSorted()).toEqual(sent.toSorted());
  expect(ids).not.toEqual(sent);
});

test('the SDK pages through the list, newest first, in both directions', async () => {
  const emulator = await emulate();
  const client = sdkFor(emulator);
  const ids: string[] = [];
  for (let index = 0; index < 7; index += 1) ids.unshift(await createBatch(emulator));
  const older: string[] = [];
  for await (const batch of client.messages.batches.list({ limit: 3 })) older.push(batch.id);
  expect(older).toEqual(ids);
  const page = await client.messages.batches.list({ limit: 2, before_id: ids[5] ?? '' });
  expect(page.data.map((batch) => batch.id)).toEqual(ids.slice(3, 5));
  expect(page).toMatchObject({ has_more: true, first_id: ids[3], last_id: ids[4] });
  const newer: string[] = [];
  for await (const batch of page) newer.push(batch.id);
  expect(newer.toSorted()).toEqual(ids.slice(0, 5).toSorted());
});

test('the SDK finds an empty list with null cursors', async () => {
  const page = await sdkFor(await emulate()).messages.batches.list();
  expect(page).toMatchObject({ data: [], has_more: false, first_id: null, last_id: null });
});

test('the SDK cancels a batch, which is canceling and then ended with a mix', async () => {
  const emulator = await emulate({ batchSeconds: 4000, clockRate: 2000 });
  const client = sdkFor(emulator);
  const { id, created_at } = await client.messages.batches.create({ requests: requests(400) });
  const half = Date.parse(created_at) + 1_000_000;
  while (Date.parse((await client.messages.batches.list().asResponse()).headers.get('date') ?? '') < half);
  const canceling = await client.messages.batches.cancel(id);
  expect(canceling.processing_status).toBe('canceling');
  expect(canceling.cancel_initiated_at).not.toBeNull();
  expect(canceling.request_counts.processing).toBe(400);
  const { request_counts: counts } = await untilEnded(emulator, id);
  expect(counts.canceled).toBeGreaterThan(0);
  expect(counts.succeeded).toBeGreaterThan(0);
  expect(counts.succeeded + counts.canceled).toBe(400);
  let canceled = 0;
  for await (const row of await client.messages.batches.results(id))
    canceled += row.result.type === 'canceled' ? 1 : 0;
  expect(canceled).toBe(counts.canceled);
});

test('the SDK is refused a cancel of an ended batch', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator);
  await untilEnded(emulator, id);
  await expect(sdkFor(emulator).messages.batches.cancel(id)).rejects.toMatchObject({
    status: 400,
    type: 'invalid_request_error',
  });
});

test('the SDK deletes an ended batch, which is then gone', async () => {
  const emulator = await emulate();
  const client = sdkFor(emulator);
  const id = await createBatch(emulator);
  await untilEnded(emulator, id);
  expect(await client.messages.batches.delete(id)).toEqual({ id, type: 'message_batch_deleted' });
  await expect(client.messages.batches.retrieve(id)).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  await expect(client.messages.batches.delete(id)).rejects.toBeInstanceOf(Anthropic.NotFoundError);
});

test('the SDK is refused the deletion of a batch in progress', async () => {
  const emulator = await emulate({ batchSeconds: 60 });
  const id = await createBatch(emulator);
  await expect(sdkFor(emulator).messages.batches.delete(id)).rejects.toMatchObject({ status: 400 });
});

test('the SDK is told before the end that there are no results', async () => {
  const emulator = await emulate({ batchSeconds: 60 });
  const id = await createBatch(emulator);
  const client = sdkFor(emulator);
  await expect(client.messages.batches.results(id)).rejects.toThrow('No batch `results_url`');
  await expect(client.get(`/v1/messages/batches/${id}/results`)).rejects.toMatchObject({
    status: 404,
    type: 'not_found_error',
    apiMessage: `Message Batch ${id} has no available results.`,
  });
});

test('the SDK gets a message whose text is marked and quotes the prompt', async () => {
  const message = await sdkFor(await emulate()).messages.create(request('tree').params);
  const text = message.content.find((block) => block.type === 'text')?.text;
  expect(text).toMatch(/^\[emulated\].*Describe tree\./);
  expect(message).toMatchObject({
    role: 'assistant',
    stop_reason: 'end_turn',
    usage: { service_tier: 'standard' },
  });
});

test('the SDK counts the tokens of a prompt', async () => {
  const client = sdkFor(await emulate());
  const messages = [{ role: 'user' as const, content: 'word '.repeat(400) }];
  expect(await client.messages.countTokens({ model: 'claude-haiku-5-5', messages })).toEqual({
    input_tokens: 500,
  });
});

test('the SDK is refused the count of an unknown model and of a sampling parameter', async () => {
  const client = sdkFor(await emulate());
  const messages = [{ role: 'user' as const, content: 'hello' }];
  await expect(client.messages.countTokens({ model: 'claude-nope', messages })).rejects.toMatchObject({
    status: 404,
    type: 'not_found_error',
    apiMessage: 'model: claude-nope',
  });
  const body = { model: 'claude-haiku-5-5', messages, temperature: 1 };
  await expect(client.messages.countTokens(body)).rejects.toMatchObject({ status: 400 });
});

test('the SDK lists the models and resolves an alias', async () => {
  const client = sdkFor(await emulate());
  const ids: string[] = [];
  for await (const model of client.models.list({ limit: 4 })) ids.push(model.id);
  expect(ids).toContain('claude-haiku-5-5');
  expect(new Set(ids).size).toBe(ids.length);
  const model = await client.models.retrieve('claude-haiku-4-5');
  expect(model).toMatchObject({ id: 'claude-haiku-4-5-20251001', max_tokens: 64_000, line: 'haiku' });
  expect(model.capabilities?.batch.supported).toBe(true);
});
