import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { onTestFinished } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts';
import { searchAndRemove } from '../support/canary.ts';

export const HEADERS = {
  authorization: 'Bearer sk-test',
  'anthropic-version': '2026-10-21',
  'content-type': 'application/json',
} as const;

export interface RunningEmulator extends Emulator {
  readonly stateDir: string;
}

/** A fresh folder that goes away with the test. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-'));
  onTestFinished(() => searchAndRemove(folder));
  return folder;
}

/** An emulator of the test's own, closed with it. Batches are over at once unless the test says otherwise. */
export async function emulate(options: Partial<EmulatorOptions> = {}): Promise<RunningEmulator> {
  const stateDir = options.stateDir ?? freshFolder();
  const emulator = await startEmulator({ batchSeconds: 0.001, ...options, stateDir });
  onTestFinished(() => emulator.close());
  return { ...emulator, stateDir };
}

/** The official client, which repeats nothing by itself. */
export function sdkFor(emulator: Emulator, apiKey = 'sk-test'): Anthropic {
  return new Anthropic({ baseURL: emulator.url, apiKey, maxRetries: 0, logLevel: 'off' });
}

/** A request that the emulator answers with text. */
export function request(customId: string, params: Record<string, unknown> = {}) {
  return {
    custom_id: customId,
    params: {
      model: 'claude-haiku-5-5',
      max_tokens: 512,
      messages: [{ role: 'user' as const, content: `Describe ${customId}.` }],
      ...params,
    },
  };
}

export function requests(count: number) {
  return Array.from({ length: count }, (_, index) => request(`row-${index}`));
}

/** A call as any client makes it. */
export function call(
  emulator: Emulator,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = HEADERS,
) {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${emulator.url}${path}`, {
    method,
    headers,
    redirect: 'manual',
    ...(text === undefined ? {} : { body: text }),
  });
}

/** Creates a batch and returns its id. */
export async function createBatch(
  emulator: Emulator,
  list: readonly unknown[] = requests(3),
): Promise<string> {
  const response = await call(emulator, 'POST', '/v1/messages/batches', { requests: list });
  if (response.status !== 200)
    throw new Error(`create answered ${response.status}: ${await response.text()}`);
  return String((await readJson(response))['id']);
}

export async function readJson(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>; // every answer of the API is an object
}

/** The batch, once the emulator's clock says that it has ended. */
export async function untilEnded(emulator: Emulator, id: string): Promise<Anthropic.Messages.MessageBatch> {
  for (;;) {
    const response = await call(emulator, 'GET', `/v1/messages/batches/${id}`);
    const batch = (await response.json()) as Anthropic.Messages.MessageBatch;
    if (batch.processing_status === 'ended') return batch;
  }
}

/** The text of the results of an ended batch. */
export async function resultText(emulator: Emulator, id: string): Promise<string> {
  await untilEnded(emulator, id);
  return (await call(emulator, 'GET', `/v1/messages/batches/${id}/results`)).text();
}

export type Result = Anthropic.Messages.MessageBatchIndividualResponse['result'];

/** The results of an ended batch, by custom_id. */
export async function resultsById(emulator: Emulator, id: string): Promise<Map<string, Result>> {
  const lines = (await resultText(emulator, id)).split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => JSON.parse(line) as Anthropic.Messages.MessageBatchIndividualResponse);
  return new Map(rows.map((row) => [row.custom_id, row.result]));
}

/** The message of a row that must have succeeded. */
export function messageOf(result: Result | undefined): Anthropic.Messages.Message {
  if (result?.type !== 'succeeded') throw new Error(`not succeeded: ${JSON.stringify(result)}`);
  return result.message;
}

/** The text blocks of a message. */
export function textOf(message: Anthropic.Messages.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** What GET /_emulator/truth answers. */
export interface Truth {
  readonly posts: readonly {
    readonly n: number;
    readonly at: string;
    readonly content_length: number | null;
    readonly received_bytes: number;
    readonly complete: boolean;
    readonly status: number | null;
    readonly batch_id: string | null;
    readonly workspace: string;
  }[];
  readonly messages: readonly {
    readonly n: number;
    readonly at: string;
    readonly prompt: string;
    readonly answered: boolean;
    readonly status: number | null;
  }[];
  readonly batches: readonly {
    readonly id: string;
    readonly workspace: string;
    readonly requests: number;
    readonly created_at: string;
    readonly foreign: boolean;
    readonly sha256: string;
    readonly first_custom_id: string;
  }[];
  readonly calls: Readonly<Record<string, number>>;
}

export async function truth(emulator: Emulator): Promise<Truth> {
  return (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth;
}

/** The result of one row with these params, from an emulator of its own. */
export async function resultOf(params: Record<string, unknown>, headers?: Record<string, string>) {
  const emulator = await emulate();
  const body = { requests: [request('row', params)] };
  const created = await readJson(
    await call(emulator, 'POST', '/v1/messages/batches', body, {
      authorization: 'Bearer k',
      'anthropic-version': '2026-10-21',
      ...headers,
    }),
  );
  return (await resultsById(emulator, String(created['id']))).get('row');
}
