import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { replaceFaults } from './active-faults.ts';
import { readJson } from './read-json.ts';
import { type EmulatorState, sendJson } from './reply.ts';
import { readTruth } from './truth.ts';

const faultsSchema = z.strictObject({ faults: z.array(z.string()) });

/**
 * The emulator's own calls, which the API does not have: `GET /_emulator/truth`, and `POST` or `DELETE
 * /_emulator/faults`. No key is needed: the server listens on loopback only.
 */
export async function handleControl(
  state: EmulatorState,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (`${request.method} ${path}`) {
    case 'GET /_emulator/truth':
      sendJson(response, 200, readTruth(state.db));
      break;
    case 'POST /_emulator/faults':
      setFaults(state, response, await readJson(request));
      break;
    case 'DELETE /_emulator/faults':
      setFaults(state, response, { faults: [] });
      break;
    default:
      sendJson(response, 404, { error: `no such call: ${request.method} ${path}` });
  }
}

function setFaults(state: EmulatorState, response: ServerResponse, body: unknown): void {
  const parsed = faultsSchema.safeParse(body);
  const problem = parsed.success
    ? findFaultProblem(state, parsed.data.faults)
    : 'expected {"faults":["name[=value][@count]"]}';
  if (problem === null) sendJson(response, 200, body);
  else sendJson(response, 400, { error: problem });
}

function findFaultProblem(state: EmulatorState, faults: readonly string[]): string | null {
  try {
    replaceFaults(state.db, faults);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
