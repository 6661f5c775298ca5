# SPDX-License-Identifier: Apache-2.0
"""Lays out what a build left as the local Maven repository that `install` would have filled, and writes
settings by which others' work is taken from the repository at hand before Central.

Arguments: root of the project, scratch directory, the repository at hand."""
import pathlib
import shutil
import sys
import xml.etree.ElementTree as tree

root, scratch, at_hand = (pathlib.Path(argument) for argument in sys.argv[1:4])
POM = "{http://maven.apache.org/POM/4.0.0}"
local = scratch / "local"


def text(project, name):
    found = project.find(POM + name)
    return found.text if found is not None else project.find(f"{POM}parent/{POM}{name}").text


for pom in [root / "pom.xml", *root.glob("bundles/**/pom.xml"), *root.glob("features/**/pom.xml")]:
    if "target" in pom.parts or "resources" in pom.parts:
        continue
    project = tree.parse(pom).getroot()
    artifact, version = project.find(POM + "artifactId").text, text(project, "version")
    place = local / text(project, "groupId").replace(".", "/") / artifact / version
    place.mkdir(parents=True)
    shutil.copy(pom, place / f"{artifact}-{version}.pom")
    packaging = project.find(POM + "packaging")
    if packaging is not None and packaging.text not in ("jar", "maven-archetype"):
        continue
    jars = list((pom.parent / "target").glob(f"{artifact}-{version}*.jar"))
    if not jars:
        sys.exit(f"{pom.parent} is not built; build it first: ./mvnw -DskipTests package")
    for jar in jars:
        shutil.copy(jar, place)

catalog = """<archetype-catalog xmlns="http://maven.apache.org/plugins/maven-archetype-plugin/archetype-catalog/1.0.0">
  <archetypes>
    <archetype><groupId>org.blksnap</groupId><artifactId>blksnap-archetype</artifactId><version>{}</version></archetype>
  </archetypes>
</archetype-catalog>
"""
(local / "archetype-catalog.xml").write_text(catalog.format(text(tree.parse(root / "pom.xml").getroot(), "version")))

# Before Central; what lies in a local repository has no checksums.
place = f"<id>at-hand</id><url>{at_hand.as_uri()}</url><releases><checksumPolicy>ignore</checksumPolicy></releases>"
settings = f"""<settings>
  <profiles>
    <profile>
      <id>at-hand</id>
      <repositories><repository>{place}</repository></repositories>
      <pluginRepositories><pluginRepository>{place}</pluginRepository></pluginRepositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>at-hand</activeProfile></activeProfiles>
</settings>
"""
(scratch / "settings.xml").write_text(settings)
