import { describe, expect, it } from 'vitest'
import { auditLog } from '../../src/audit/audit-log.ts'
import { documentKind } from '../../src/domain/document-kinds.ts'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'
import { checkpointHeader } from '../../src/webhooks/checkpoint-header.ts'
import { receiverMemory } from '../../src/webhooks/receiver-memory.ts'
import { never } from './world.ts'
import { addCheckpoint, witnessWorld } from './witness-world.ts'

/** A checkpoint of another chain: another store or connection, or one that was made anew. */
async function otherChain(records: number, connection = HOME) {
  const { clock } = witnessWorld()
  const store = memoryStore({ clock })
  const events = Array.from({ length: records }, (_, at) => event(`other-${at}`, { connection }))
  await store.commit({ connection, events })
  return auditLog(connection, { store, clock }).checkpoint()
}

/** Replaces the header of every delivery. */
const sends =
  (header: string | undefined) =>
  ({ 'guestpass-checkpoint': _before, ...others }: Readonly<Record<string, string>>) => ({
    ...others,
    ...(header === undefined ? {} : { 'guestpass-checkpoint': header }),
  })

/** Three deliveries, the later two each with a new checkpoint. From now on, each has the first of the two again. */
async function worldBehind() {
  const world = witnessWorld()
  await world.deliver()
  await addCheckpoint(world)
  await world.deliver()
  const [older] = world.headers.slice(-1)
  await addCheckpoint(world)
  await world.deliver()
  world.wire.change = sends(older && checkpointHeader(older))
  return world
}

describe('a delivery', () => {
  it('has no checkpoint while the connection has none', async () => {
    const world = witnessWorld()
    expect(await world.deliver()).toBeUndefined()
    expect([world.headers, world.faults]).toEqual([[undefined], []])
  })

  it('has the newest checkpoint, and the hash of the chain at the one that the endpoint took last', async () => {
    const world = witnessWorld()
    await world.deliver()
    const first = await addCheckpoint(world)
    await world.deliver()
    const second = await addCheckpoint(world)
    await world.deliver()
    await world.deliver()
    const since = ({ number, count, hash }: typeof first) => ({ number, count, hash })
    expect(world.headers.slice(1)).toEqual([
      { checkpoint: first, endpoint: 'one' },
      { checkpoint: second, endpoint: 'one', since: since(first) },
      { checkpoint: second, endpoint: 'one', since: since(second) },
    ])
    expect(world.messages.map(({ witness }) => witness?.status)).toEqual([
      undefined,
      'first',
      'consistent',
      'consistent',
    ])
  })

  it('has the body that it has without a checkpoint', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    expect(Object.keys(world.messages[1]?.body ?? {})).toEqual(Object.keys(world.messages[0]?.body ?? {}))
  })

  it('of a test message has the checkpoint, too', async () => {
    const world = witnessWorld()
    await world.deliver()
    const checkpoint = await addCheckpoint(world)
    await world.hooks.test('one', never)
    expect(world.headers.at(-1)).toEqual({ checkpoint, endpoint: 'one' })
  })

  it('writes what the endpoint took only when there is a new checkpoint', async () => {
    const world = witnessWorld()
    const acknowledged = () => world.store.document(HOME, documentKind.acknowledgedCheckpoint, 'one')
    await world.deliver()
    const { number, count } = await addCheckpoint(world)
    await world.deliver()
    const written = await acknowledged()
    expect(written.value).toEqual({ number, count })
    await world.deliver()
    expect(await acknowledged()).toEqual(written)
  })

  it('that the endpoint took without an answer is named by the next one', async () => {
    const world = witnessWorld()
    await world.deliver()
    const first = await addCheckpoint(world)
    world.wire.isAnswerLost = true
    await world.deliver()
    world.wire.isAnswerLost = false
    const second = await addCheckpoint(world)
    await world.clock.advance(HOUR)
    await world.hooks.drain(never)
    expect(world.headers.at(-1)).toMatchObject({ since: { number: first.number }, checkpoint: second })
    expect(world.faults).toEqual([])
  })

  it('that the endpoint did not take is named by the next one, and is no fault', async () => {
    const world = witnessWorld()
    await world.deliver()
    const first = await addCheckpoint(world)
    world.wire.status = 500
    await world.deliver()
    world.wire.status = 204
    const second = await addCheckpoint(world)
    // The receiver knows the chain from the other endpoint.
    await world.deliver('ACCESS_TOKEN_RENEWED')
    await world.clock.advance(HOUR)
    await world.hooks.drain(never)
    const named = { endpoint: 'one', since: { number: first.number }, checkpoint: second }
    expect(world.headers).toContainEqual(
      expect.objectContaining({ ...named, since: expect.objectContaining(named.since) }),
    )
    expect(world.faults).toEqual([])
  })

  it('to an endpoint that is removed and added again begins without an acknowledged checkpoint', async () => {
    const { hooks, store } = witnessWorld()
    const { id } = await hooks.endpoints.add({ url: 'https://three.example.com/' })
    const write = { kind: documentKind.acknowledgedCheckpoint, id, value: { number: 1, count: 1 } }
    await store.commit({ connection: HOME, documents: [{ ...write, expect: { revision: 0 } }] })
    await hooks.endpoints.remove(id)
    expect((await store.document(HOME, documentKind.acknowledgedCheckpoint, id)).value).toBeUndefined()
  })
})

describe('a receiver', () => {
  it('keeps the checkpoints of several endpoints apart, also if one of them gets few messages', async () => {
    const world = witnessWorld()
    await world.deliver('ACCESS_TOKEN_RENEWED')
    await addCheckpoint(world)
    await world.deliver('ACCESS_TOKEN_RENEWED')
    for (let nth = 0; nth < 40; nth += 1) {
      await addCheckpoint(world)
      await world.deliver()
    }
    await world.deliver('ACCESS_TOKEN_RENEWED')
    expect(world.headers.at(-1)).toMatchObject({ endpoint: 'two', checkpoint: { number: 41 }, since: { number: 5 } })
    expect(world.faults).toEqual([])
  })

  it('keeps the newest 32 checkpoints of an endpoint', async () => {
    const memory = receiverMemory()
    const world = witnessWorld({ memory })
    await world.deliver()
    for (let nth = 0; nth < 40; nth += 1) {
      await addCheckpoint(world)
      await world.deliver()
    }
    const kept = (await memory.checkpoints?.()) ?? []
    expect(kept.map(({ checkpoint }) => checkpoint.number)).toEqual(Array.from({ length: 32 }, (_, at) => 40 - at))
  })

  it('takes a message that was sent before a newer checkpoint came, in whatever order they arrive', async () => {
    const world = await worldBehind()
    expect(await world.deliver()).toMatchObject({ status: 'consistent', checkpoint: { number: 1 } })
  })

  it('reports a chain that stays at an older checkpoint, and takes the message', async () => {
    const world = await worldBehind()
    await world.clock.advance(5 * MINUTE + SECOND)
    const witness = await world.deliver()
    expect(witness).toMatchObject({ status: 'broken', reason: 'went_back', known: { number: 2 } })
    expect(await world.hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 0 })
    expect(world.faults).toMatchObject([{ reason: 'went_back' }])
    expect(world.messages).toHaveLength(4)
  })

  it('reports a chain that has no such record any more', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    const [sent] = world.headers.slice(-1)
    const { number = 0, count = 0 } = sent?.checkpoint ?? {}
    world.wire.change = sends(sent && checkpointHeader({ ...sent, since: { number, count } }))
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'went_back' })
  })

  it('reports a chain that begins after the record, and goes on from its newest checkpoint', async () => {
    const world = witnessWorld()
    await world.deliver()
    const { count } = await addCheckpoint(world)
    await world.deliver()
    await world.store.prune(HOME, { through: count, limit: 1_000 })
    await addCheckpoint(world)
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'unlinked' })
    expect(await world.deliver()).toMatchObject({ status: 'consistent' })
  })

  it('reports each broken checkpoint once, and goes on to do so for the next ones', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    const known = world.headers.at(-1)?.checkpoint
    world.chain.change = (link) => ({ ...link, hash: link.hash.replaceAll('a', 'b') })
    await world.deliver()
    await world.deliver()
    expect(world.faults).toMatchObject([{ reason: 'forked', known }])
    await addCheckpoint(world)
    await world.deliver()
    await world.deliver()
    expect(world.faults.length).toBeGreaterThan(1)
    expect(world.messages).toHaveLength(6)
  })

  it('reports another key than that of the first checkpoint', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    world.wire.change = sends(checkpointHeader({ checkpoint: await otherChain(9), endpoint: 'one' }))
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'key', known: { number: 1 } })
  })

  it('reports another key than the given ones, also at the first checkpoint', async () => {
    const { publicKey } = await otherChain(1)
    const world = witnessWorld({ checkpointKeys: [publicKey] })
    await world.deliver()
    await addCheckpoint(world)
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'key' })
  })

  it('takes the given key, as the audit log of the sender names it', async () => {
    const keys: string[] = ['A'.repeat(43)]
    const world = witnessWorld({ checkpointKeys: keys })
    const { publicKey, keyId } = await world.log.publicKey()
    keys.push(publicKey)
    await world.deliver()
    expect(await addCheckpoint(world)).toMatchObject({ publicKey, keyId })
    expect(await world.deliver()).toMatchObject({ status: 'first' })
  })

  it.each<[string, (header: string) => string | undefined, string]>([
    ['that cannot be read', () => 'not base64url', 'malformed'],
    ['that is no JSON', () => 'AAAA', 'malformed'],
    ['that is very long', (header) => header.repeat(20), 'malformed'],
    ['that comes twice', (header) => `${header}, ${header}`, 'malformed'],
    ['that is missing', () => undefined, 'missing'],
  ])('reports a header %s', async (_, change, reason) => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    world.wire.change = (sent) => sends(change(sent['guestpass-checkpoint'] ?? ''))(sent)
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason })
    expect(world.faults).toMatchObject([{ reason }])
  })

  it('reports a checkpoint of which a member was changed', async () => {
    const world = witnessWorld()
    await world.deliver()
    const checkpoint = { ...(await addCheckpoint(world)), count: 9 }
    world.wire.change = sends(checkpointHeader({ checkpoint, endpoint: 'one' }))
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'malformed' })
    expect(world.faults[0]?.message).toBe('Checkpoint 1 is not signed with the key that it names.')
  })

  it('reports a message that hides which checkpoint was acknowledged', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    const checkpoint = await addCheckpoint(world)
    world.wire.change = sends(checkpointHeader({ checkpoint, endpoint: 'one' }))
    expect(await world.deliver()).toMatchObject({ status: 'broken', reason: 'unlinked' })
  })

  it('begins anew when it has forgotten all, and goes on when its memory was kept', async () => {
    const forgetful = witnessWorld()
    const lasting = witnessWorld({ memory: receiverMemory() })
    for (const world of [forgetful, lasting]) {
      await world.deliver()
      await addCheckpoint(world)
      await world.deliver()
      world.restart()
      await addCheckpoint(world)
      await world.deliver()
      expect(world.faults).toEqual([])
    }
    const last = ({ messages }: typeof lasting) => messages.at(-1)?.witness?.status
    expect([last(forgetful), last(lasting)]).toEqual(['first', 'consistent'])
  })

  it('keeps checkpoints in this process if its memory is of a version without them', async () => {
    const { checkpoints: _read, keepCheckpoint: _write, ...memory } = receiverMemory()
    const world = witnessWorld({ memory })
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    expect(await world.deliver()).toMatchObject({ status: 'consistent' })
  })

  it('reports a broken chain once, also between messages of another connection', async () => {
    const world = witnessWorld()
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    const forged = sends(checkpointHeader({ checkpoint: await otherChain(3), endpoint: 'one' }))
    const others = sends(checkpointHeader({ checkpoint: await otherChain(2, 'other'), endpoint: 'one' }))
    for (const change of [forged, others, forged, others, forged]) {
      world.wire.change = change
      await world.deliver()
    }
    const verdicts = world.messages.slice(-5).map(({ witness }) => witness?.status)
    expect(verdicts.join(' ')).toBe('broken first broken consistent broken')
    expect(world.faults.map(({ reason }) => reason)).toEqual(['key'])
  })

  it('takes a message although the callback fails', async () => {
    const world = witnessWorld({ onBrokenChain: () => Promise.reject(new Error('the callback fails')) })
    await world.deliver()
    await addCheckpoint(world)
    await world.deliver()
    world.wire.change = sends(undefined)
    expect(await world.deliver()).toMatchObject({ reason: 'missing' })
  })
})
