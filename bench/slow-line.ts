import { connect, createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How bad a line is. Counts and places are used up: what has happened does not happen again. */
export interface LineFaults {
  /** In either direction, a connection. */
  readonly bytesPerSecond: number;
  /** Where an upload stands still once, and for how long. */
  readonly stall?: { readonly afterBytes: number; readonly ms: number };
  /** So many downloads of results break off, each after so many bytes of its own. */
  readonly cuts?: { readonly count: number; readonly afterBytes: number };
}

export interface SlowLine {
  /** Of a server that is the other one, seen through the line. */
  readonly url: string;
  setFaults(faults: LineFaults): void;
  close(): void;
}

/** A line to a server that is slow, stands still and breaks: bytes alone, no matter what they mean. */
export async function openSlowLine(serverUrl: string): Promise<SlowLine> {
  const { hostname, port } = new URL(serverUrl);
  let faults: LineFaults = { bytesPerSecond: Number.POSITIVE_INFINITY };
  let cutsLeft = 0;
  let isStalled = false;
  const sockets = new Set<Socket>();

  async function* upload(client: Readable, onHead: (head: string) => void): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of throttle(client, faults.bytesPerSecond)) {
      if (bytes === 0) onHead(chunk.toString('latin1', 0, 200));
      bytes += chunk.length;
      const { stall } = faults;
      if (stall !== undefined && !isStalled && bytes > stall.afterBytes) {
        isStalled = true;
        await sleep(stall.ms);
      }
      yield chunk;
    }
  }

  async function* download(server: Readable, isCut: () => boolean): AsyncGenerator<Buffer> {
    let left = faults.cuts?.afterBytes ?? 0;
    for await (const chunk of throttle(server, faults.bytesPerSecond)) {
      if (!isCut()) yield chunk;
      else if (chunk.length < left) {
        left -= chunk.length;
        yield chunk;
      } else {
        yield chunk.subarray(0, left);
        throw new Error('the line is cut');
      }
    }
  }

  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let isCut = false;
    const onHead = (head: string): void => {
      if (cutsLeft === 0 || !/^GET \S+\/results[ ?]/.test(head)) return;
      isCut = true;
      cutsLeft -= 1;
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    const drop = (): void => {
      client.destroy();
      server.destroy();
    };
    pipeline(upload(client, onHead), server).catch(drop);
    pipeline(
      download(server, () => isCut),
      client,
    ).catch(drop);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('the line has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    setFaults(next) {
      faults = next;
      cutsLeft = next.cuts?.count ?? 0;
      isStalled = false;
    },
    close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function* throttle(source: Readable, bytesPerSecond: number): AsyncGenerator<Buffer> {
  let dueMs = performance.now();
  for await (const chunk of source) {
    yield chunk as Buffer; // a socket without an encoding gives buffers
    dueMs = Math.max(dueMs, performance.now() - 1_000) + (chunk.length / bytesPerSecond) * 1_000;
    const ms = dueMs - performance.now();
    if (ms > 1) await sleep(ms);
  }
}
