import type { Answer, Call, Endpoint } from './endpoint.ts'
import type { FaultEffect, Faults } from './faults.ts'
import { plainRefusal, Refusal } from './refusal.ts'

/** An answer, or a reset of the connection. */
type ScriptedAnswer = Answer | 'reset'

interface ScriptedAnswerParts {
  readonly faults: Faults
  /** Waits in real time; rejects when the sandbox closes. */
  readonly wait: (ms: number) => Promise<void>
  readonly noteFault: (fault: FaultEffect) => void
}

/** Answers one call, with the next scripted fault of its operation. */
export async function answerAsScripted(
  endpoint: Endpoint,
  call: Omit<Call, 'pause'>,
  parts: ScriptedAnswerParts,
): Promise<ScriptedAnswer> {
  const fault = parts.faults.take(endpoint.operation)
  if (fault === undefined) return answered(endpoint, { ...call, pause: async () => {} })
  parts.noteFault(fault)
  if ('status' in fault) return scripted(endpoint, fault, call.correlationId)
  if ('drop' in fault && fault.drop === 'before') return 'reset'
  const pause = 'delayMs' in fault ? () => parts.wait(fault.delayMs) : async () => {}
  const answer = await answered(endpoint, { ...call, pause })
  if ('garble' in fault) return garbled(answer, fault.garble)
  return 'drop' in fault ? 'reset' : answer
}

async function answered(endpoint: Endpoint, call: Call): Promise<Answer> {
  try {
    if (endpoint.callsPause !== true) await call.pause()
    return await endpoint.answer(call)
  } catch (error) {
    if (error instanceof Refusal) return error.answer(call.correlationId)
    throw error
  }
}

function scripted(endpoint: Endpoint, fault: Extract<FaultEffect, { status: number }>, correlationId: string): Answer {
  const { status, headers: given = {}, body } = fault
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]))
  if (status === 204 || status === 304) return { status, headers }
  if (typeof body === 'string') return { status, headers, text: body }
  if (body !== undefined) return { status, headers, json: body }
  const refusal = plainRefusal(endpoint.dialect, status, `This ${status} was scripted.`).answer(correlationId)
  return status < 400 ? { status, headers, json: {} } : { ...refusal, headers: { ...refusal.headers, ...headers } }
}

const page = '<!doctype html>\n<html><head><title>Gateway</title></head><body><h1>Please wait</h1></body></html>\n'

const JSON_TYPE = 'application/json; charset=utf-8'

/** The content type and body of each kind of garbled answer. */
const garblings: Record<
  Extract<FaultEffect, { garble: unknown }>['garble'],
  { readonly type: string; readonly text: (body: string) => string }
> = {
  html: { type: 'text/html; charset=utf-8', text: () => page },
  truncated: { type: JSON_TYPE, text: (body) => body.slice(0, Math.floor(body.length / 2)) },
  empty: { type: JSON_TYPE, text: () => '' },
  type: { type: 'text/plain; charset=utf-8', text: (body) => body },
}

function garbled({ status, headers, json, text }: Answer, kind: keyof typeof garblings): Answer {
  const body = text ?? (json === undefined ? '' : JSON.stringify(json))
  const garbling = garblings[kind]
  return { status, headers: { ...headers, 'content-type': garbling.type }, text: garbling.text(body) }
}
