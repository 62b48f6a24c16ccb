import { isUtf8 } from 'node:buffer';

/** A body that is not JSON; the message tells where, in the words of the API's own error. */
export class BodySyntaxError extends Error {
  constructor(detail: string) {
    super(`The request body is not valid JSON: ${detail}`);
    this.name = 'BodySyntaxError';
  }
}

/** Finds the requests of a create body while it comes in. */
export interface RequestScanner {
  /** Takes the next bytes, cut anywhere. Throws BodySyntaxError. */
  push(chunk: Buffer): void;
  /** Must be called after the last bytes. Throws BodySyntaxError when the document is not closed. */
  end(): void;
  /** What is wrong with the document around the requests, in the API's words; null when nothing is. */
  problem(): string | null;
}

type Place =
  | 'document'
  | 'first key'
  | 'key'
  | 'colon'
  | 'value'
  | 'after value'
  | 'first request'
  | 'request'
  | 'after request'
  | 'done'
  // Inside a value whose end is looked for; what it is then used for stands in `holder`.
  | 'captured';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/**
 * A scanner of `{"requests":[…]}` that holds one request at a time, so that a body of 256 MB needs no more memory than
 * its longest request. It looks for ends only; what stands between them is for the caller's JSON.parse to judge. The
 * bytes given to `onRequest` are valid during that call only.
 */
export function scanRequests(onRequest: (bytes: Buffer) => void): RequestScanner {
  let place: Place = 'document';
  let holder: 'key' | 'value' | 'request' = 'key';
  let key = '';
  let offset = 0; // of the chunk in the body
  let problem: string | null = null;
  let requestsSeen = false;

  // The value that is being captured: what earlier chunks held of it, and where the scan stands in its grammar.
  let carry: Buffer[] = [];
  let start = 0; // of the value in this chunk
  let depth = 0;
  let inString = false;
  let escaped = false;
  let isScalar = false;

  function fail(at: number): never {
    throw new BodySyntaxError(`unexpected character: line 1 column ${at + 1} (char ${at})`);
  }

  function beginCapture(what: 'key' | 'value' | 'request', byte: number, at: number): void {
    holder = what;
    place = 'captured';
    start = at;
    depth = byte === OPEN_OBJECT || byte === OPEN_LIST ? 1 : 0;
    inString = byte === QUOTE;
    escaped = false;
    isScalar = depth === 0 && !inString;
  }

  function endCapture(chunk: Buffer, end: number): void {
    let bytes = chunk.subarray(start, end);
    if (carry.length > 0) {
      bytes = Buffer.concat([...carry, bytes]);
      carry = [];
    }
    if (holder === 'request') {
      place = 'after request';
      onRequest(bytes);
      return;
    }
    const value = parseJson(bytes, offset + start);
    if (holder === 'key') {
      key = String(value);
      place = 'colon';
    } else {
      place = 'after value';
      problem ??=
        key === 'requests'
          ? 'requests: Input should be a valid array'
          : `${key}: Extra inputs are not permitted`;
    }
  }

  /** Goes on inside a captured value; returns where to go on after it. */
  function scanCaptured(chunk: Buffer, from: number): number {
    const length = chunk.length;
    let at = from;
    while (at < length) {
      let byte = chunk[at];
      if (inString) {
        // Most bytes of a body are plain text: this inner loop is what makes 256 MB a matter of tenths of a second.
        while (!escaped && byte !== QUOTE && byte !== BACKSLASH && at + 1 < length) {
          at += 1;
          byte = chunk[at];
        }
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (depth === 0) {
            endCapture(chunk, at + 1);
            return at + 1;
          }
        }
      } else if (byte === QUOTE) {
        if (isScalar) fail(offset + at);
        inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth += 1;
      } else if (
        isScalar &&
        (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST || isSpace(byte))
      ) {
        endCapture(chunk, at);
        return at;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth -= 1;
        if (depth === 0) {
          endCapture(chunk, at + 1);
          return at + 1;
        }
      }
      at += 1;
    }
    return at;
  }

  /** One byte of the frame around the requests. */
  function step(byte: number | undefined, at: number): void {
    if (byte === undefined || isSpace(byte)) return;
    switch (place) {
      case 'document':
        if (byte !== OPEN_OBJECT) fail(offset + at);
        place = 'first key';
        return;
      case 'first key':
      case 'key':
        if (byte === CLOSE_OBJECT && place === 'first key') place = 'done';
        else if (byte === QUOTE) beginCapture('key', byte, at);
        else fail(offset + at);
        return;
      case 'colon':
        if (byte !== COLON) fail(offset + at);
        place = 'value';
        return;
      case 'value':
        if (key === 'requests' && byte === OPEN_LIST && !requestsSeen) {
          requestsSeen = true;
          place = 'first request';
        } else beginCapture('value', byte, at);
        return;
      case 'first request':
      case 'request':
        if (byte === CLOSE_LIST && place === 'first request') place = 'after value';
        else beginCapture('request', byte, at);
        return;
      case 'after request':
        if (byte === COMMA) place = 'request';
        else if (byte === CLOSE_LIST) place = 'after value';
        else fail(offset + at);
        return;
      case 'after value':
        if (byte === COMMA) place = 'key';
        else if (byte === CLOSE_OBJECT) place = 'done';
        else fail(offset + at);
        return;
      case 'captured':
        return; // scanCaptured has these
      case 'done':
        fail(offset + at);
    }
  }

  return {
    push(chunk) {
      start = 0;
      let at = 0;
      while (at < chunk.length) {
        if (place === 'captured') {
          at = scanCaptured(chunk, at);
        } else {
          step(chunk[at], at);
          at += 1;
        }
      }
      // A copy, because the reader of the socket may use the chunk's memory again.
      if (place === 'captured') carry.push(Buffer.from(chunk.subarray(start)));
      offset += chunk.length;
    },
    end() {
      if (place !== 'done') {
        throw new BodySyntaxError(`unexpected end of data: line 1 column ${offset + 1} (char ${offset})`);
      }
    },
    problem: () => problem ?? (requestsSeen ? null : 'requests: Field required'),
  };
}

/** Parses bytes of a body; `at` is where they stand in it. Throws BodySyntaxError. */
export function parseJson(bytes: Buffer, at: number): unknown {
  try {
    if (isUtf8(bytes)) return JSON.parse(bytes.toString('utf8'));
  } catch {
    // Told below, with the place in the body instead of the place in the value.
  }
  throw new BodySyntaxError(`unexpected character in the value at line 1 column ${at + 1} (char ${at})`);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
