/**
 * A typedoc plugin for the packages of a workspace in one reference. Names each module as programs import it
 * (`@guestpass/core/node`, not `core/src/node`), and validates every package: typedoc by itself validates one.
 */
import { join } from 'node:path'
import { Application, Converter, ReflectionKind } from 'typedoc'
import { entriesIn } from '../../tools/reference/entries.ts'

const root = join(import.meta.dirname, '../..')
const entries = entriesIn(root)
const names = new Map(entries.map(({ file, name }) => [join(root, file), name]))

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const file = project.getSymbolIdFromReflection(module)?.fileName
      module.name = names.get(file ?? '') ?? module.name
    }
  })
  let validating = false
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    if (validating) return
    validating = true
    for (const name of new Set(entries.map(({ package: owner }) => owner))) {
      project.packageName = name
      app.validate(project)
    }
    delete project.packageName
  })
}
