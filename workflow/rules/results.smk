# Tables and figures, one job each, and what is judged and told of them.


def of_item(wildcards):
    item = wildcards.paper + "/" + PLAN.item(wildcards.kind, wildcards.label)
    return PLAN.of_item(wildcards.paper, item)


rule item:
    input:
        jets=lambda w: within(PLAN.jets_of_items(w.paper)),
        weights=lambda w: within(PLAN.weights_of_items(w.paper)),
        converted=lambda w: within(PLAN.converted_for_items(w.paper)),
    output:
        OUT + "/items/{paper}/{kind}{label}.json",
    params:
        asked=lambda w: PLAN.computing(w.paper),
    threads: 1
    resources:
        **requested_resources(lambda w: of_item(w)),
        kubernetes_memory_limit="8Gi",
    log:
        OUT + "/logs/items/{paper}-{kind}{label}.log",
    benchmark:
        OUT + "/benchmarks/items/{paper}-{kind}{label}.tsv"
    shell:
        "OMP_NUM_THREADS={threads} repro {wildcards.kind} {wildcards.label} --paper {wildcards.paper}"
        " {params.asked} $(option --data {input.jets}) $(option --weights $(above {input.weights}))"
        " --out $(above {output}) > {log} 2>&1"


# 1 says that a claim deviates: a result, and no fault of the job.
rule verify:
    input:
        within(PLAN.item_files),
    output:
        OUT + "/verdicts.json",
    params:
        ids=" ".join(PLAN.items),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_reading("verify")),
        kubernetes_memory_limit="2Gi",
    log:
        OUT + "/logs/verify.log",
    benchmark:
        OUT + "/benchmarks/verify.tsv"
    shell:
        "repro verify {params.ids} --from $(above {input}) --json > {output} 2> {log} || [ $? -eq 1 ]\n"
        "grep -q '\"summary\"' {output}"


rule report:
    input:
        within(PLAN.item_files),
    output:
        directory(OUT + "/report"),
    params:
        ids=" ".join(PLAN.items),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_reading("report")),
        kubernetes_memory_limit="2Gi",
    log:
        OUT + "/logs/report.log",
    benchmark:
        OUT + "/benchmarks/report.tsv"
    shell:
        "repro report {params.ids} --from $(above {input}) --out {output} > {log} 2>&1"
        " || [ $? -eq 1 ]\n"
        "[ -s {output}/ro-crate-metadata.json ]"
