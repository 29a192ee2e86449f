export class NotJson extends Error {}

/** The body of a control request. Throws NotJson. */
export function parseControlBody(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    throw new NotJson('The body is not valid JSON.')
  }
}
