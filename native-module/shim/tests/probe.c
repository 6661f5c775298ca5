/* SPDX-License-Identifier: Apache-2.0 */
/* probe --list | probe NAME */
#include <dirent.h>
#include <sys/mman.h>

#include "probe.h"

int descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(all))
		count++;
	closedir(all);
	return count;
}

char *edge(void)
{
	char *pages = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(pages != MAP_FAILED && !mprotect(pages + 4 * 4096, 4 * 4096, PROT_NONE));
	return pages + 4 * 4096;
}

int main(int argc, char **argv)
{
	const struct probe *parts[] = { probe_files, probe_lives, probe_signals };

	if (argc > 2)
		return probe_after_exec(argv + 1);
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		for (const struct probe *probe = parts[i]; probe->name; probe++) {
			if (argc == 2 && !strcmp(argv[1], "--list"))
				puts(probe->name);
			if (argc == 2 && !strcmp(argv[1], probe->name)) {
				probe->run();
				return 0;
			}
		}
	return argc == 2 && !strcmp(argv[1], "--list") ? 0 : 2;
}
