import { join } from 'node:path'
import { auditRecord, linkText, EMPTY_CHAIN, sha256Hex } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import { fileKeyRing } from '../../src/sqlite/index.ts'
import { inFolder, openStore, random } from '../helpers/open-store.ts'
import { child, together } from '../helpers/child-process.ts'

const KILLS = Number(process.env['GUESTPASS_KILLS'] ?? 15)

/** The store that the processes of a folder share. */
const shared = async (folder: string) => {
  const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
  return openStore(join(folder, 'guestpass.db'), { keyRing, route: () => ['audit'] })
}

describe('a store that several processes share', () => {
  it('gets one key and one schema when eight processes open it at once', async () => {
    await inFolder(async (folder) => {
      const said = await together(8, 'open', join(folder, 'new'))
      expect(said.filter((lines) => lines.includes('made')).length).toBe(1)
      expect(said.map((lines) => lines.filter((line) => line !== 'made'))).toEqual(said.map(() => ['ok']))
    })
  })

  it('loses no increment of eight processes that compare and set one row', async () => {
    await inFolder(async (folder) => {
      const said = await together(8, 'count', folder, 12)
      expect(said.map((lines) => lines.at(-1))).toEqual(said.map(() => 'ok'))
      const store = await shared(folder)
      const { credential, revision } = await store.find('default', 'shared')
      expect([credential?.generation, revision]).toEqual([96, 96])
      expect((await store.events('default', { limit: 1_000 })).events.map(({ generation }) => generation)).toEqual(
        Array.from({ length: 96 }, (_, index) => index + 1),
      )
      await store.close()
    })
  })

  it('has one chain of events without gap or fork when three processes append', async () => {
    await inFolder(async (folder) => {
      await together(3, 'count', folder, 30)
      const store = await shared(folder)
      const { links } = await store.chain('default', { limit: 1_000 })
      expect(links.map(({ count }) => count)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1))
      for (const [at, { event, hash }] of links.entries()) {
        expect(hash).toBe(await sha256Hex(linkText('default', links[at - 1] ?? EMPTY_CHAIN, auditRecord(event))))
      }
      await store.close()
    })
  })

  it('grants four processes together no more permits than one bucket holds', async () => {
    await inFolder(async (folder) => {
      const said = (await together(4, 'permits', folder, 40)).flat()
      const granted = said.flatMap((line) => (line.startsWith('granted ') ? Number(line.slice(8)) : []))
      expect(granted.length).toBe(4)
      expect(granted.reduce((sum, count) => sum + count, 0)).toBe(50)
    })
  })

  it('gives each event to one of three processes', async () => {
    await inFolder(async (folder) => {
      await together(1, 'count', folder, 60)
      const said = (await together(3, 'claim', folder)).flat().filter((line) => line.startsWith('claimed '))
      expect([said.length, new Set(said).size]).toEqual([60, 60])
    })
  })

  it('gives each due guest to one of three processes', async () => {
    await inFolder(async (folder) => {
      await together(1, 'guests', folder, 60)
      const said = (await together(3, 'keep', folder)).flat().filter((line) => line.startsWith('claimed '))
      expect([said.length, new Set(said).size]).toEqual([60, 60])
    })
  })

  it(
    'has everything that was acknowledged, whenever its process is killed',
    async () => {
      await inFolder(async (folder) => {
        const acknowledged = new Map<string, number>()
        for (let kill = 0; kill < KILLS; kill += 1) {
          const victim = child('commit', folder)
          await victim.begun
          await new Promise((resolve) => setTimeout(resolve, random.float() * 60))
          victim.process.kill('SIGKILL')
          for (const line of await victim.lines) {
            const [id = '', generation] = line.split(' ')
            if (generation) acknowledged.set(id, Number(generation))
          }
          const store = await shared(folder)
          for (const [id, generation] of acknowledged) {
            const { credential } = await store.find('default', id)
            const stored = credential?.generation ?? 0
            // A complete commit that was not yet reported may be there too.
            expect(stored).toBeGreaterThanOrEqual(generation)
            expect(credential?.tokens?.refresh?.reveal()).toBe(`test-secret-refresh-${id}-${stored}`)
          }
          await store.close()
        }
        expect(acknowledged.size).toBe(4)
        const store = await shared(folder)
        let events = 0
        for (let page = await store.events('default', { limit: 1_000 }); ; ) {
          events += page.events.length
          if (page.next === undefined) break
          page = await store.events('default', { limit: 1_000, after: page.next })
        }
        const generations = await Promise.all([...acknowledged.keys()].map((id) => store.find('default', id)))
        expect(events).toBe(generations.reduce((sum, { credential }) => sum + (credential?.generation ?? 0), 0))
        await store.close()
      })
    },
    30_000 + KILLS * 2_000,
  )
})
