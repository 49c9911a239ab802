# Jets: simulated in chunks and put together, or converted from files of record 12102.


# A chunk stays in the folder of parts, whose name the package gives: what was made before a job was
# killed is not made again.  The mark is removed with them, when the sample is there.  All is in a folder
# that is named after what the jets follow from: another configuration finds neither parts nor a sample
# of this one in its way.
rule simulate:
    output:
        temp(touch(OUT + "/samples/chunks/{sample}-{first}-{last}.made")),
    params:
        asked=lambda w: PLAN.simulation(w.sample),
        identity=lambda w: PLAN.identity(w.sample),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_chunks(w.sample, w.first, w.last)),
        kubernetes_memory_limit="2Gi",
    log:
        OUT + "/logs/simulate/{sample}-{first}-{last}.log",
    benchmark:
        OUT + "/benchmarks/simulate/{sample}-{first}-{last}.tsv"
    shell:
        "repro simulate {params.asked} --jobs {threads} --chunks {wildcards.first}:{wildcards.last}"
        " --out $(dirname {output})/{params.identity}/{wildcards.sample}.h5 > {log} 2>&1"


# A file that is there already was whole when this job was killed before it gave it its place.
rule merge:
    input:
        lambda w: [
            OUT + "/samples/chunks/%s-%d-%d.made" % (w.sample, first, last)
            for first, last in PLAN.chunks(w.sample)
        ],
    output:
        OUT + "/samples/{sample}.h5",
    params:
        asked=lambda w: PLAN.simulation(w.sample),
        identity=lambda w: PLAN.identity(w.sample),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_sample("merge", w.sample)),
        kubernetes_memory_limit="4Gi",
    log:
        OUT + "/logs/merge/{sample}.log",
    benchmark:
        OUT + "/benchmarks/merge/{sample}.tsv"
    shell:
        "whole=$(dirname {output})/chunks/{params.identity}/{wildcards.sample}.h5\n"
        "[ -e $whole ] || repro simulate {params.asked} --jobs {threads} --out $whole > {log} 2>&1\n"
        "mv $whole {output}\n"
        "rmdir $(dirname $whole) || :"


# A file of the record, by its number, and what the networks read of it.  The package's cache keeps
# the file, so that a stopped download goes on where it stopped.
rule convert:
    output:
        OUT + "/samples/{sample}/{number}.h5",
    params:
        file=lambda w: PLAN.record_file(w.sample, w.number),
        split=lambda w: PLAN.samples[w.sample]["split"],
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_file(w.sample)),
        kubernetes_memory_limit="4Gi",
    log:
        OUT + "/logs/convert/{sample}-{number}.log",
    benchmark:
        OUT + "/benchmarks/convert/{sample}-{number}.tsv"
    shell:
        "file=$(repro fetch --quiet {params.file} 2> {log})"
        ' && repro convert "$file" --split {params.split} --out {output} >> {log} 2>&1'
