import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { guestRecords } from '@guestpass/core'
import { guestIn } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileKeyRing } from '../../src/sqlite/index.ts'
import { type GuestUpstream, guestUpstream } from '../helpers/guest-upstream.ts'
import { inFolder, openStore, random } from '../helpers/open-store.ts'
import { type Child, program } from '../helpers/child-process.ts'

let upstream: GuestUpstream
beforeAll(async () => {
  upstream = await guestUpstream()
})
afterAll(() => upstream.close())

/** Starts a process that requests the guest of an address, and prints each outcome as a line. */
const issueInProcess = (folder: string, email: string, times: number): Child =>
  program('issue-guests', folder, upstream.url, email, String(times))

/** Runs work in a folder with the public key of the upstream. */
const inPreparedFolder = (work: (folder: string) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'public.pem'), upstream.publicKey)
    await work(folder)
  })

const openSharedStore = async (folder: string) => {
  const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
  return openStore(join(folder, 'guestpass.db'), { keyRing })
}

/** The texts that a file of the folder holds in clear. */
const textsInClear = (folder: string, texts: readonly string[]): readonly string[] => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const all = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  return texts.filter((text) => all.some((one) => one.includes(text)))
}

describe('authenticated guests on a store that several processes share', () => {
  it('creates one guest for an address that four processes request at once', async () => {
    await inPreparedFolder(async (folder) => {
      const before = upstream.creates()
      const spellings = ['many@mail.example', 'MANY@mail.example', ' many@mail.example', 'Many@Mail.Example ']
      const lines = await Promise.all(spellings.map((email) => issueInProcess(folder, email, 20).lines))
      const outcomes = lines.flat().filter((line) => line !== 'began')
      expect(outcomes).toHaveLength(80)
      expect(outcomes.filter((line) => line.startsWith('issued '))).toHaveLength(1)
      expect(new Set(outcomes.filter((line) => !line.startsWith('issued ')))).toEqual(new Set(['session_exists']))
      expect(upstream.creates() - before).toBe(1)
    })
  })

  it('continues in another process after a kill during a create, and reports it', async () => {
    await inPreparedFolder(async (folder) => {
      const before = upstream.creates()
      const createReceived = upstream.holds()
      const victim = issueInProcess(folder, 'killed@mail.example', 1)
      await createReceived
      victim.process.kill('SIGKILL')
      await victim.lines
      const [, outcome] = await issueInProcess(folder, 'killed@mail.example', 1).lines
      expect(outcome).toBe('guest_orphaned')
      expect(upstream.creates() - before).toBe(2)
      const store = await openSharedStore(folder)
      const { events } = await store.events('default', { limit: 99 })
      expect(events.flatMap((event) => (event.type === 'GUEST_CREATE_INITIATED' ? [event.data.resumes] : []))).toEqual([
        false,
        true,
      ])
      await store.close()
    })
  })

  it('keeps no address, name or token in clear in any file, and nothing after an erasure by address', async () => {
    await inPreparedFolder(async (folder) => {
      const [, outcome = ''] = await issueInProcess(folder, 'erased@mail.example', 1).lines
      const guestId = outcome.replace('issued ', '')
      const store = await openSharedStore(folder)
      const { credential } = await store.find('default', guestId)
      const { access, refresh } = credential?.tokens ?? {}
      const texts = ['erased@mail.example', 'Ann Example', access?.reveal() ?? '', refresh?.reveal() ?? '']
      expect(texts).not.toContain('')
      expect(textsInClear(folder, texts)).toEqual([])
      const records = guestRecords({ connection: 'default' }, { store, random })
      const whose = { email: 'Erased@Mail.example', channelId: 'web-1' }
      expect((await records.find(whose)).map((guest) => guest.guestId)).toEqual([guestId])
      expect((await records.export(whose)).guests).toMatchObject([{ profile: { name: 'Ann Example' } }])
      expect((await records.erase(whose)).guests).toMatchObject([{ guestId, local: 'done' }])
      for (const kind of ['duplicate', 'enrichment']) {
        expect((await store.documents('default', { kind, limit: 9 })).documents).toEqual([])
      }
      const left = guestIn(await store.find('default', guestId))
      expect([left?.status, left?.profile, left?.tokens]).toEqual(['erased', undefined, undefined])
      expect(await store.findBySubject('default', credential?.subject ?? '')).toBeUndefined()
      await store.close()
      expect(textsInClear(folder, texts)).toEqual([])
    })
  })
})
