import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A port that nothing may ever come to. */
export interface Trap {
  readonly url: string;
  /** How often somebody connected, and what they sent. */
  connections(): number;
  bytes(): Buffer;
}

export async function setTrap(): Promise<Trap> {
  const sockets: Socket[] = [];
  const chunks: Buffer[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
  });
  const url = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url, connections: () => sockets.length, bytes: () => Buffer.concat(chunks) };
}

/** What a server of the test's own says to a call; null: what `behind` says. */
export interface Said {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Heard {
  readonly method: string;
  readonly path: string;
  /** As they came, names and values in turn. */
  readonly headers: readonly string[];
}

/** An API that says what the test wants, and hands on to `behind` (an emulator) what the test leaves to it. */
export async function serveApi(
  say: (call: Heard) => Said | null,
  behind?: string,
): Promise<{ readonly url: string; readonly heard: readonly Heard[] }> {
  const heard: Heard[] = [];
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    const call = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.rawHeaders,
    };
    heard.push(call);
    const said = say(call);
    if (said === null && behind !== undefined) {
      handOn(incoming, response, behind);
      return;
    }
    incoming.resume();
    const { status, headers = {}, body = '' } = said ?? { status: 404 };
    // Not before the whole body is there: an early answer is another fault.
    incoming.on('end', () => response.writeHead(status, headers).end(body));
  };
  const server = createServer(answer);
  const url = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url, heard };
}

function handOn(incoming: IncomingMessage, response: ServerResponse, behind: string): void {
  const { method, headers } = incoming;
  const onward = request(new URL(incoming.url ?? '/', behind), { method, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  onward.on('error', () => response.destroy());
  incoming.pipe(onward);
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on a port has an address of this form.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
