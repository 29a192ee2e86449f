// A process that searches for a person, and kills itself after so many commits of the search.
import { guestRecords } from '@guestpass/core'
import { openStore, random } from '../open-store.ts'

const [path = '', email = '', commits = ''] = process.argv.slice(2)
let left = Number(commits)
const store = await openStore(path)
const killing = {
  ...store,
  async commit(change: Parameters<typeof store.commit>[0]) {
    const outcome = await store.commit(change)
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
    return outcome
  },
}
await guestRecords({ connection: 'default' }, { store: killing, random }).find({ email })
