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

const asking = (folder: string, email: string, times: number): Child =>
  program('issue-guests.ts', folder, upstream.url, email, String(times))

const prepared = (work: (folder: string) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'public.pem'), upstream.publicKey)
    await work(folder)
  })

const shared = async (folder: string) => {
  const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
  return openStore(join(folder, 'guestpass.db'), { keyRing })
}

/** Which of these stand in clear in a file of the folder. */
const readable = (folder: string, texts: readonly string[]): readonly string[] => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const all = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  return texts.filter((text) => all.some((one) => one.includes(text)))
}

describe('authenticated guests on a store that several processes share', () => {
  it('creates one guest for an address that four processes request at once', async () => {
    await prepared(async (folder) => {
      const before = upstream.creates()
      const spellings = ['many@mail.example', 'MANY@mail.example', ' many@mail.example', 'Many@Mail.Example ']
      const said = await Promise.all(spellings.map((email) => asking(folder, email, 20).lines))
      const outcomes = said.flat().filter((line) => line !== 'began')
      expect(outcomes).toHaveLength(80)
      expect(outcomes.filter((line) => line.startsWith('issued '))).toHaveLength(1)
      expect(new Set(outcomes.filter((line) => !line.startsWith('issued ')))).toEqual(new Set(['session_exists']))
      expect(upstream.creates() - before).toBe(1)
    })
  })

  it('continues in another process after a kill during a create, and reports it', async () => {
    await prepared(async (folder) => {
      const before = upstream.creates()
      const held = upstream.holds()
      const victim = asking(folder, 'killed@mail.example', 1)
      await held
      victim.process.kill('SIGKILL')
      await victim.lines
      const [, outcome] = await asking(folder, 'killed@mail.example', 1).lines
      expect(outcome).toBe('guest_orphaned')
      expect(upstream.creates() - before).toBe(2)
      const store = await shared(folder)
      const { events } = await store.events('default', { limit: 99 })
      expect(events.flatMap((event) => (event.type === 'GUEST_CREATE_INITIATED' ? [event.data.resumes] : []))).toEqual([
        false,
        true,
      ])
      await store.close()
    })
  })

  it('keeps no address, name or token in clear in any file, and nothing after an erasure by address', async () => {
    await prepared(async (folder) => {
      const [, outcome = ''] = await asking(folder, 'erased@mail.example', 1).lines
      const guestId = outcome.replace('issued ', '')
      const store = await shared(folder)
      const { credential } = await store.find('default', guestId)
      const { access, refresh } = credential?.tokens ?? {}
      const texts = ['erased@mail.example', 'Ann Example', access?.reveal() ?? '', refresh?.reveal() ?? '']
      expect(texts).not.toContain('')
      expect(readable(folder, texts)).toEqual([])
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
      expect(readable(folder, texts)).toEqual([])
    })
  })
})
