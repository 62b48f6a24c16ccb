import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import { batchOf } from '../store/contract/fixture.ts';
import { providerAt } from '../support/provider-at.ts';

/** Answers with these bytes and then nothing more. */
async function stallingServer(headers: Record<string, string>, bytes: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.write(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port, not on a pipe
}

const BATCH: Batch = batchOf('msgbatch_a', 2, 'ended');

async function readAll(baseUrl: string): Promise<string> {
  const provider = providerAt(baseUrl, { idleMs: 200 });
  let text = '';
  const { bytes } = await provider.openResults(BATCH, new AbortController().signal);
  for await (const chunk of bytes) text += Buffer.from(chunk).toString('utf8');
  return text;
}

it('results that stall are given up once nothing came for so long', async () => {
  const url = await stallingServer({ 'content-type': 'application/x-jsonl' }, '{"custom_id":"a"}\n');
  await expect(readAll(url)).rejects.toThrow('aborted');
});

it('results that come encoded are refused as something that may pass', async () => {
  const url = await stallingServer({ 'content-encoding': 'br' }, 'x');
  await expect(readAll(url)).rejects.toMatchObject({ code: 'unreachable', retryable: true, status: null });
});
