import { expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { WebStorage } from '../../src/stores/web-storage.ts'
import { webStorageStore } from '../../src/stores/web-storage-store.ts'
import { credential, HOME, write } from '../../src/testing/store-contract/samples.ts'
import { refusal } from '../world/world.ts'

function fakeStorage(most = Number.POSITIVE_INFINITY) {
  const entries = new Map<string, string>()
  const storage: WebStorage = {
    getItem: (key) => entries.get(key) ?? null,
    setItem(key, value) {
      if (value.length > most) throw new DOMException('Over the quota.', 'QuotaExceededError')
      entries.set(key, value)
    },
    removeItem: (key) => void entries.delete(key),
  }
  return { entries, storage }
}

const change = { connection: HOME, writes: [write(credential('alice', 1))] }

it('keeps the store in one entry, which the next page reads', async () => {
  const { entries, storage } = fakeStorage()
  const store = webStorageStore(storage, { key: 'mine' })
  await store.commit(change)
  await store.ensureRoom()
  await store.close()
  expect([...entries.keys()]).toEqual(['mine'])
  const next = webStorageStore(() => storage, { key: 'mine' })
  expect((await next.find(HOME, 'alice')).credential?.tokens?.access.reveal()).toBe('access-alice-1')
  await next.close()
})

it('rejects a second store of the entry in the same page, and the first one continues', async () => {
  const { entries, storage } = fakeStorage()
  const store = webStorageStore(storage)
  await store.commit(change)
  const error = await refusal(webStorageStore(storage).find(HOME, 'alice'))
  expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'key'])
  expect([(await store.find(HOME, 'alice')).revision, entries.get('guestpass')?.includes('alice')]).toEqual([1, true])
  await store.close()
})

it('reports full storage before a token is spent, and can be retried', async () => {
  const { storage } = fakeStorage(10_000)
  const store = webStorageStore(storage)
  expect(await store.commit(change)).toBe('done')
  const error = await refusal(store.ensureRoom())
  expect([error.code, error.reason, error.retryable]).toEqual(['store_unavailable', 'disk_full', true])
  await store.close()
})

it('names an entry that belongs to another program, and does not change it', async () => {
  const { entries, storage } = fakeStorage()
  entries.set('guestpass', '{"user":"ann"}')
  const error = await refusal(webStorageStore(storage).commit(change))
  expect([error.code, error.message.includes('entry guestpass'), entries.size]).toEqual(['store_corrupt', true, 1])
})

it.each(['changed', 'removed'])('does not overwrite an entry that was %s elsewhere', async (how) => {
  const { entries, storage } = fakeStorage()
  const store = webStorageStore(storage)
  await store.commit(change)
  if (how === 'changed') entries.set('guestpass', 'other')
  else entries.delete('guestpass')
  const next = { connection: HOME, writes: [write(credential('alice', 2))] }
  expect((await refusal(store.commit(next))).code).toBe('store_busy')
  expect(entries.get('guestpass')).toBe(how === 'changed' ? 'other' : undefined)
  await store.close()
})

it('rejects webhooks and the audit log', async () => {
  const store = webStorageStore(fakeStorage().storage)
  expect((await refusal(store.outbox.claim('a', 1, 1))).code).toBe('config_invalid')
  expect((await refusal(store.chainHead(HOME))).code).toBe('config_invalid')
})

it.each([
  [undefined, {}, 'storage'],
  [{}, {}, 'storage'],
  [fakeStorage().storage, { key: '' }, 'key'],
  [fakeStorage().storage, { key: 7 }, 'key'],
])('names what is wrong with its arguments: %#', (storage, options, field) => {
  try {
    webStorageStore(storage as WebStorage, options as { key: string })
    expect.unreachable()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(GuestpassError)
    expect(thrown).toMatchObject({ code: 'config_invalid', fields: [{ field }] })
  }
})
