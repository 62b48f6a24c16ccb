/**
 * Lines of a results file for requests that were asked one by one, in the shape in which the Batches API gives them, so
 * that all that reads results reads these. What the API said stands in them as it came.
 */

/** `messageJson`: the body of the answer. */
export function succeededLine(wireId: string, messageJson: string): string {
  return `{"custom_id":"${wireId}","result":{"type":"succeeded","message":${onOneLine(messageJson)}}}`;
}

/** `envelopeJson`: the API's whole error envelope. */
export function erroredLine(wireId: string, envelopeJson: string): string {
  return `{"custom_id":"${wireId}","result":{"type":"errored","error":${onOneLine(envelopeJson)}}}`;
}

/** For a request that was never asked. */
export function canceledLine(wireId: string): string {
  return `{"custom_id":"${wireId}","result":{"type":"canceled"}}`;
}

/** Line ends in JSON text are white space: inside a string they would be escaped. */
function onOneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ').trim() : json;
}
