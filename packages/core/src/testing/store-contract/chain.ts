import { auditRecord } from '../../domain/audit-record.ts'
import { type Link, LINK_VERSION, linkText, EMPTY_CHAIN } from '../../domain/chain.ts'
import type { Event } from '../../domain/events/event.ts'
import { sha256Hex } from '../../ports/system.ts'
import type { Store } from '../../ports/store.ts'
import { codeOf, type TestTools } from './suite.ts'
import { event, HOME, NEIGHBOUR } from './samples.ts'

const commit = (store: Store, ...events: readonly Event[]) => store.commit({ connection: HOME, events })

/** The links of events, computed from the definition of the chain. */
async function linksOf(events: readonly Event[]) {
  const links: Link[] = []
  for (const one of events) {
    const text = linkText(one.connection, links.at(-1) ?? EMPTY_CHAIN, auditRecord(one))
    links.push({ chain: 0, count: links.length + 1, event: one, hash: await sha256Hex(text), version: LINK_VERSION })
  }
  return links
}

export function chainCases(tools: TestTools): void {
  const { test, expect } = tools
  pageCases(tools)

  test('links every event to the event before it, across handles', async ({ store, other }) => {
    const all = ['3', '1', '2'].map((id) => event(id, { data: { b: [1, { d: true, c: null }], a: 'é' } }))
    expect(await store.chainHead(HOME)).toEqual(EMPTY_CHAIN)
    await commit(store, ...all.slice(0, 2))
    await commit(other, ...all.slice(2))
    const links = await linksOf(all)
    expect((await other.chain(HOME, { limit: 9 })).links).toEqual(links)
    expect(await store.chainHead(HOME)).toEqual({ chain: 0, count: 3, hash: links.at(-1)?.hash })
  })

  test('has no gap and no fork after concurrent commits', async ({ store, other }) => {
    await Promise.all(
      Array.from({ length: 30 }, (_, nth) => commit(nth % 2 ? store : other, event(`${nth}`), event(`${nth + 100}`))),
    )
    const { links } = await store.chain(HOME, { limit: 99 })
    expect(links.length).toEqual(60)
    expect(links).toEqual(await linksOf(links.map((link) => link.event)))
  })

  test('keeps the chains of connections apart', async ({ store }) => {
    await commit(store, event('1'))
    const theirs = event('2', { connection: NEIGHBOUR })
    await store.commit({ connection: NEIGHBOUR, events: [theirs] })
    expect((await store.chain(NEIGHBOUR, { limit: 9 })).links).toEqual(await linksOf([theirs]))
    expect((await store.chainHead(HOME)).count).toEqual(1)
  })
}

function pageCases({ test, expect }: TestTools): void {
  test('returns the chain page by page', async ({ store }) => {
    const all = ['1', '2', '3'].map((id) => event(id))
    await commit(store, ...all)
    const first = await store.chain(HOME, { limit: 2 })
    const second = await store.chain(HOME, { limit: 2, after: first.next ?? -1 })
    expect([...first.links, ...second.links]).toEqual(await linksOf(all))
    expect('next' in second).toEqual(false)
    expect(await codeOf(store.chain(HOME, { limit: 1_001 }))).toEqual('invalid_input')
  })

  test('returns the links before a place, the newest first, also of one subject', async ({ store }) => {
    const subjects = ['ann', 'bob', 'ann', 'ann', 'bob']
    const all = subjects.map((subject, at) => event(`${at}`, { subject }))
    await commit(store, ...all)
    const newest = (await linksOf(all)).toReversed()
    const first = await store.chain(HOME, { limit: 2, before: Number.MAX_SAFE_INTEGER })
    const second = await store.chain(HOME, { limit: 9, before: first.next ?? 0 })
    expect([first.links, second.links]).toEqual([newest.slice(0, 2), newest.slice(2)])
    expect('next' in second).toEqual(false)
    const ofAnn = newest.filter((link) => link.event.subject === 'ann')
    const page = await store.chain(HOME, { limit: 2, before: 5, subject: 'ann' })
    expect(page).toEqual({ links: ofAnn.slice(0, 2), next: 3 })
    expect(await store.chain(HOME, { limit: 2, before: 3, subject: 'ann' })).toEqual({ links: ofAnn.slice(2) })
    expect(await store.chain(HOME, { limit: 2, before: 1 })).toEqual({ links: [] })
    await store.prune(HOME, { through: 2, limit: 9 })
    expect((await store.chain(HOME, { limit: 9, before: 4 })).links).toEqual(newest.slice(2, 3))
  })

  test('returns the links of one subject, page by page', async ({ store }) => {
    const subjects = ['ann', 'bob', undefined, 'ann', 'ann', 'Ann', 'bob']
    const all = subjects.map((subject, at) => event(`${at}`, subject === undefined ? {} : { subject }))
    await commit(store, ...all)
    await store.commit({ connection: NEIGHBOUR, events: [event('9', { connection: NEIGHBOUR, subject: 'ann' })] })
    const links = (await linksOf(all)).filter((link) => link.event.subject === 'ann')
    const first = await store.chain(HOME, { limit: 2, subject: 'ann' })
    const second = await store.chain(HOME, { limit: 2, subject: 'ann', after: first.next ?? -1 })
    expect([first.links, second.links]).toEqual([links.slice(0, 2), links.slice(2)])
    expect('next' in second).toEqual(false)
    expect(await store.chain(HOME, { limit: 9, subject: 'unknown' })).toEqual({ links: [] })
    expect(await codeOf(store.chain(HOME, { limit: 0, subject: 'ann' }))).toEqual('invalid_input')
  })
}
