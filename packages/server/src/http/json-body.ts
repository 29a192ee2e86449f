import type { FastifyInstance } from 'fastify'
import { bodyError } from './problems.ts'

/** The largest body, in bytes: more than a token of 16 KiB and all other members of a request. */
export const BODY_LIMIT = 64 * 1024

/** Deeper JSON could exhaust the stack of what walks it. */
const MAX_DEPTH = 64

/** Parses bodies as JSON. An empty body counts as none, because many clients name a type without sending any. */
export function addJsonParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.trim() === '') return done(null, undefined)
    if (isTooDeep(body)) return done(bodyError('is nested too deeply', `Nest JSON at most ${MAX_DEPTH} levels deep.`))
    return parse(request, body, (error, value) => {
      if (error) done(bodyError('has a body that is not JSON', 'Send one JSON object.'))
      else done(null, value)
    })
  })
}

function isTooDeep(text: string): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const one = text.charCodeAt(at)
    if (one === 0x22) isText = !isText
    else if (isText) at += one === 0x5c ? 1 : 0
    else if (one === 0x7b || one === 0x5b) {
      depth += 1
      if (depth > MAX_DEPTH) return true
    } else if (one === 0x7d || one === 0x5d) depth -= 1
  }
  return false
}
