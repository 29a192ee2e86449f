import { describe, expect, it } from 'vitest'
import { auditLog } from '../../src/audit/audit-log.ts'
import { auditExport, verifyExport } from '../../src/audit/export.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'

/** A log of three records. */
async function logged() {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  const events = ['1', '2', '3'].map((id) => event(id, { latencyMs: 5, data: { of: [{ deep: { nth: 1 } }] } }))
  await store.commit({ connection: HOME, events })
  return { store, clock }
}

/** Three records and the checkpoint. */
async function exported({ store, clock }: Awaited<ReturnType<typeof logged>>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of auditExport(HOME, auditLog(HOME, { store, clock }))) lines.push(JSON.stringify(line))
  return lines
}

const LAST = 3

describe('a line of an audit export', () => {
  it.each<[string, number, string, string]>([
    ['a member twice, the forged one first', 1, '{', '{"outcome":"failure",'],
    ['a member twice, the forged one last', 1, /\}$/.source, ',"actor":"mallory"}'],
    ['a member twice, one of them escaped', 1, '{', '{"\\u0061ctor":"mallory",'],
    ['a member twice inside data', 1, '"data":{', '"data":{"of":"forged",'],
    ['a member twice deep inside data', 1, '"deep":{', '"deep":{"nth":2,'],
    ['a member twice inside its place', 1, '"chain":{', '"chain":{"count":9,'],
    ['an unknown member', 1, '{', '{"note":"approved",'],
    ['a prototype', 1, '{', '{"__proto__":{"note":1},'],
    ['an unknown member inside its place', 1, '"chain":{', '"chain":{"note":"approved",'],
    ['a checkpoint beside the record', 1, '{', '{"checkpoint":"approved",'],
    ['a number with more digits than were written', 1, '"latencyMs":5', '"latencyMs":5.0000000000000000000001'],
    ['a number in another form', 1, '"latencyMs":5', '"latencyMs":5e0'],
    ['a missing member', 1, '"idempotencyKey":null,', ''],
    ['a record beside the checkpoint', LAST, '{', '{"eventType":"REVIEWED",'],
    ['an unknown member inside the checkpoint', LAST, '"checkpoint":{', '"checkpoint":{"reviewedBy":"auditor",'],
    ['a member twice inside the checkpoint', LAST, '"checkpoint":{', '"checkpoint":{"count":9,'],
    ['two checkpoints', LAST, '{', '{"checkpoint":{},'],
    ['nesting that no record has', 1, '"deep":{', `"deep":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`],
  ])('is refused by its number when it has %s', async (_, at, from, to) => {
    const lines = await exported(await logged())
    const line = lines[at] ?? ''
    const forged = from.endsWith('$') ? line.replace(new RegExp(from), to) : line.replace(from, to)
    expect(forged).not.toBe(line)
    const verdict = await verifyExport(lines.toSpliced(at, 1, forged))
    expect(verdict).toMatchObject({ valid: false, reason: 'malformed', line: at + 1 })
  })

  it('names the member that no export has', async () => {
    const lines = await exported(await logged())
    const forged = lines.map((line, at) => (at === 1 ? line.replace('{', '{"note":1,') : line))
    expect(await verifyExport(forged)).toMatchObject({ message: expect.stringContaining('"note"') })
  })

  it('may hold its members in another order and with blanks between them', async () => {
    const lines = await exported(await logged())
    const spaced = lines.map((line) =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).toReversed())),
    )
    expect(await verifyExport(spaced.map((line) => line.replaceAll('","', '" , "')))).toMatchObject({ valid: true })
  })
})

it('an export that ends with the checkpoint of another connection is refused, though the hash is the same', async () => {
  const { store, clock } = await logged()
  const lines = await exported({ store, clock })
  const same = { ...store, chainHead: () => store.chainHead(HOME) }
  const checkpoint = await auditLog('another', { store: same, clock }).checkpoint()
  const verdict = await verifyExport(lines.toSpliced(LAST, 1, JSON.stringify({ checkpoint })))
  expect(verdict).toMatchObject({ valid: false, reason: 'checkpoint', line: LAST + 1 })
})
