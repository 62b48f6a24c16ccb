import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { openLineWriter } from './batch-files.ts';
import { findDuplicateId } from './duplicate-ids.ts';
import { hashText } from './hash.ts';
import { checkRequests, type WellFormedRequest } from './request-check.ts';
import { buildRowTable, type RowTable } from './row-table.ts';
import { BodySyntaxError, parseJson, scanRequests } from './scan-requests.ts';

/** What became of the body of one create call. */
export interface ReceivedBody {
  /** `complete`: all of it is here. `stopped`: we had enough. `broken off`: the client did not send all of it. */
  readonly ending: 'complete' | 'stopped' | 'broken off';
  readonly receivedBytes: number;
  /** Why create refuses the body, in the API's words; null when it is a batch. */
  readonly problem: string | null;
  readonly sha256: string;
  readonly rows: RowTable;
  readonly firstCustomId: string;
}

interface ReceiveOptions {
  /** The file that the request lines go to; it must not be there yet. */
  readonly path: string;
  /** Stop once so many bytes are here. */
  readonly stopAtBytes: number;
  /** Whether the row will be refused when its turn comes. */
  isInvalid(params: WellFormedRequest['params']): boolean;
}

/** Reads a create body into a file of lines, in the memory of its longest request. Rejects only when the file fails. */
export function receiveBody(request: IncomingMessage, options: ReceiveOptions): Promise<ReceivedBody> {
  const sink = createSink(options);
  return new Promise((resolve, reject) => {
    const settle = (ending: ReceivedBody['ending']) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      request.pause();
      resolve(sink.finish(ending));
    };
    const onData = (chunk: Buffer) => {
      try {
        sink.push(chunk);
      } catch (error) {
        reject(error);
        return;
      }
      if (sink.receivedBytes() >= options.stopAtBytes) settle('stopped');
    };
    // `complete` is false when fewer bytes came than Content-Length said, or a chunked body was not closed.
    const onEnd = () => settle(request.complete ? 'complete' : 'broken off');
    const onClose = () => settle('broken off');
    request.on('error', () => undefined); // 'close' follows
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/** Takes the bytes of a body one chunk after the other. */
interface BodySink {
  push(chunk: Buffer): void;
  receivedBytes(): number;
  finish(ending: ReceivedBody['ending']): ReceivedBody;
}

function createSink({ path, isInvalid }: ReceiveOptions): BodySink {
  const hash = createHash('sha256');
  const lines = openLineWriter(path);
  const table = buildRowTable();
  const check = checkRequests();
  let receivedBytes = 0;
  let firstCustomId = '';
  let syntaxProblem: string | null = null;

  const scanner = scanRequests((bytes) => {
    const request = check.add(parseJson(bytes, receivedBytes));
    if (request === null) return;
    if (firstCustomId === '') firstCustomId = request.customId;
    table.add(lines.write(bytes), hashText(request.customId), isInvalid(request.params));
  });

  function scan(step: () => void): void {
    if (syntaxProblem !== null) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof BodySyntaxError)) throw error;
      syntaxProblem = error.message;
    }
  }

  return {
    receivedBytes: () => receivedBytes,
    push(chunk: Buffer) {
      hash.update(chunk);
      scan(() => scanner.push(chunk));
      receivedBytes += chunk.length;
    },
    finish(ending: ReceivedBody['ending']): ReceivedBody {
      if (ending === 'complete') scan(() => scanner.end());
      lines.close();
      const rows = table.finish();
      let problem = syntaxProblem ?? scanner.problem() ?? check.problem();
      if (ending === 'complete' && problem === null) {
        const id = findDuplicateId(path, rows);
        if (id !== null) {
          problem = `requests: custom_id's must be unique within a batch. Duplicate custom_id found: ${id}`;
        }
      }
      return { ending, receivedBytes, problem, sha256: hash.digest('hex'), rows, firstCustomId };
    },
  };
}
